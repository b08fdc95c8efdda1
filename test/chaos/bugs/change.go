package bugs

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Change edits one function of the product, or adds a file.
type Change struct {
	Package string // its directory below the module's
	In      string // a function, type.method or a package's variable; the name of a new file
	Edit    Edit
}

// Edit changes a function. Its code may use names for parts of the function: $r for
// the receiver and $1, $2 … for the parameters. For the expression found, $x is its
// source, $on, $a1, $a2 … are the operand and the arguments of a call, $left and
// $right the operands of a comparison, and $stmt is the statement around it.
type Edit struct {
	at        Anchor
	statement bool // the code takes the place of the statement, not of the expression
	code      string
	file      bool // the code is a whole new file
}

// Replace puts code in the place of the expression.
func Replace(at Anchor, code string) Edit { return Edit{at: at, code: code} }

// Around puts code in the place of the statement that the expression is in.
func Around(at Anchor, code string) Edit { return Edit{at: at, statement: true, code: code} }

// Delete removes the statement that the expression is in.
func Delete(at Anchor) Edit { return Around(at, "") }

// Before puts code before the statement that the expression is in.
func Before(at Anchor, code string) Edit { return Around(at, code+"\n$stmt") }

// After puts code after the statement that the expression is in.
func After(at Anchor, code string) Edit { return Around(at, "$stmt\n"+code) }

// File adds a file with that code.
func File(code string) Edit { return Edit{file: true, code: code} }

// Plant writes the changed files into dir and returns the files of the product
// that go build's overlay replaces by them. The product's own files stay as they
// are.
func Plant(module, dir string, changes ...Change) (map[string]string, error) {
	texts, err := apply(module, changes)
	if err != nil {
		return nil, fmt.Errorf("plant a bug: %w", err)
	}
	replaced := map[string]string{}
	for original, text := range texts {
		name := strings.TrimPrefix(strings.TrimPrefix(original, module), string(filepath.Separator))
		path := filepath.Join(dir, strings.ReplaceAll(name, string(filepath.Separator), "_"))
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return nil, fmt.Errorf("plant a bug: %w", err)
		}
		replaced[original] = path
	}
	return replaced, nil
}

// apply returns the text of every file that the changes, one after the other,
// change or add.
func apply(module string, changes []Change) (map[string][]byte, error) {
	texts := map[string][]byte{}
	for _, c := range changes {
		dir := filepath.Join(module, filepath.FromSlash(c.Package))
		path, text := filepath.Join(dir, c.In), []byte(c.Edit.code)
		if !c.Edit.file {
			var err error
			if path, text, err = c.edit(dir, texts); err != nil {
				return nil, fmt.Errorf("%s, %s: %w", c.Package, c.In, err)
			}
		} else if _, err := os.Stat(path); err == nil || texts[path] != nil {
			return nil, fmt.Errorf("%s has a file %s already", c.Package, c.In)
		}
		formatted, err := format.Source(text)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", c.Package, c.In, err)
		}
		texts[path] = formatted
	}
	return texts, nil
}

// edit returns the file that the change is in, and its new text.
func (c Change) edit(dir string, texts map[string][]byte) (path string, text []byte, err error) {
	files, err := sources(dir, texts)
	if err != nil {
		return "", nil, err
	}
	for path, text := range files {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, text, parser.SkipObjectResolution)
		if err != nil {
			return "", nil, err
		}
		if decl := declared(file, c.In); decl != nil {
			edited, err := c.Edit.apply(source{fset, text}, decl)
			return path, edited, err
		}
	}
	return "", nil, errors.New("the package has nothing of that name; if it was renamed or moved, change test/chaos/bugs too")
}

// sources returns the package's files for this platform, as changed so far.
func sources(dir string, changed map[string][]byte) (map[string][]byte, error) {
	all := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		if here, err := build.Default.MatchFile(dir, e.Name()); err != nil || !here {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if all[path], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	for path, text := range changed {
		if filepath.Dir(path) == dir {
			all[path] = text
		}
	}
	return all, nil
}

// declared returns the function, method or variable of that name; nil if the file
// has none.
func declared(file *ast.File, name string) ast.Node {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Body != nil && funcName(d) == name {
				return d
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if v, ok := s.(*ast.ValueSpec); ok && d.Tok == token.VAR && v.Names[0].Name == name {
					return v
				}
			}
		}
	}
	return nil
}

func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if generic, ok := t.(*ast.IndexExpr); ok {
		t = generic.X
	}
	id, ok := t.(*ast.Ident)
	if !ok {
		return ""
	}
	return id.Name + "." + d.Name.Name
}

// apply returns the file's text with the edit made in decl.
func (e Edit) apply(s source, decl ast.Node) ([]byte, error) {
	found := e.at.find(decl)
	if len(found) != 1 {
		return nil, fmt.Errorf("it has %d × %s and must have one", len(found), e.at.name)
	}
	m := found[0]
	values := s.values(decl, m)
	var unknown error
	code := os.Expand(e.code, func(name string) string {
		value, ok := values[name]
		if !ok {
			unknown = fmt.Errorf("there is no $%s at %s", name, e.at.name)
		}
		return value
	})
	if unknown != nil {
		return nil, unknown
	}
	place := ast.Node(m.expr)
	if e.statement {
		if place = m.statement; m.statement == nil {
			return nil, fmt.Errorf("no statement is around %s", e.at.name)
		}
	}
	from, to := s.span(place)
	return bytes.Join([][]byte{s.text[:from], []byte(code), s.text[to:]}, nil), nil
}

// source is a parsed file.
type source struct {
	fset *token.FileSet
	text []byte
}

func (s source) span(n ast.Node) (from, to int) {
	return s.fset.Position(n.Pos()).Offset, s.fset.Position(n.End()).Offset
}

func (s source) of(n ast.Node) string {
	from, to := s.span(n)
	return string(s.text[from:to])
}

// values returns what an edit's code may name.
func (s source) values(decl ast.Node, m match) map[string]string {
	v := map[string]string{"x": s.of(m.expr)}
	if f, ok := decl.(*ast.FuncDecl); ok {
		if f.Recv != nil && len(f.Recv.List[0].Names) > 0 {
			v["r"] = f.Recv.List[0].Names[0].Name
		}
		n := 0
		for _, field := range f.Type.Params.List {
			for _, name := range field.Names {
				n++
				v[strconv.Itoa(n)] = name.Name
			}
		}
	}
	if m.statement != nil {
		v["stmt"] = s.of(m.statement)
	}
	switch x := m.expr.(type) {
	case *ast.CallExpr:
		if f, ok := x.Fun.(*ast.SelectorExpr); ok {
			v["on"] = s.of(f.X)
		}
		for i, a := range x.Args {
			v["a"+strconv.Itoa(i+1)] = s.of(a)
		}
	case *ast.BinaryExpr:
		v["left"], v["right"] = s.of(x.X), s.of(x.Y)
	}
	return v
}
