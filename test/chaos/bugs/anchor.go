package bugs

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// Anchor finds an expression in a function.
type Anchor struct {
	name string // for errors
	fits func(ast.Node) ast.Expr
}

// match is an expression that was found, and the statement around it.
type match struct {
	expr      ast.Expr
	statement ast.Stmt // the innermost of a block's or a case's; nil outside of functions
}

// Call is a call of a function or method of that name; with a dot before the name
// only of a method, or of another package's function.
func Call(name string) Anchor {
	return Anchor{"call of " + name, func(n ast.Node) ast.Expr {
		if call, ok := n.(*ast.CallExpr); ok && named(call.Fun, name) {
			return call
		}
		return nil
	}}
}

// Argument is the nth argument, from 1, of a call of that name.
func Argument(n int, callee string) Anchor {
	return Anchor{fmt.Sprintf("argument %d of %s", n, callee), func(node ast.Node) ast.Expr {
		if call, ok := Call(callee).fits(node).(*ast.CallExpr); ok && len(call.Args) >= n {
			return call.Args[n-1]
		}
		return nil
	}}
}

// Field is the value of a field where a struct of that type is made.
func Field(of, field string) Anchor {
	return Anchor{"field " + field + " of a literal " + of, func(n ast.Node) ast.Expr {
		literal, ok := n.(*ast.CompositeLit)
		if !ok || !named(literal.Type, of) {
			return nil
		}
		for _, e := range literal.Elts {
			if pair, ok := e.(*ast.KeyValueExpr); ok && named(pair.Key, field) {
				return pair.Value
			}
		}
		return nil
	}}
}

// Mention is a use of that name.
func Mention(name string) Anchor {
	return Anchor{"use of " + name, func(n ast.Node) ast.Expr {
		if e, ok := n.(ast.Expr); ok && named(e, name) {
			return e
		}
		return nil
	}}
}

// Comparison is an operation of that kind with an operand that is, or calls, that name.
func Comparison(op token.Token, name string) Anchor {
	return Anchor{fmt.Sprintf("comparison %s with %s", op, name), func(n ast.Node) ast.Expr {
		b, ok := n.(*ast.BinaryExpr)
		if !ok || b.Op != op {
			return nil
		}
		for _, side := range []ast.Expr{b.X, b.Y} {
			if named(side, name) || Call(name).fits(side) != nil {
				return b
			}
		}
		return nil
	}}
}

// Condition is the condition of an if that uses that name, or whose
// initialization does.
func Condition(name string) Anchor {
	return Anchor{"if with " + name, func(n ast.Node) ast.Expr {
		i, ok := n.(*ast.IfStmt)
		if !ok {
			return nil
		}
		if len(Mention(name).find(i.Cond)) > 0 || i.Init != nil && len(Mention(name).find(i.Init)) > 0 {
			return i.Cond
		}
		return nil
	}}
}

// Value is what a package's variable is set to.
var Value = Anchor{"value of a variable", func(n ast.Node) ast.Expr {
	if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
		return v.Values[0]
	}
	return nil
}}

// named reports whether e is that name, or selects it.
func named(e ast.Expr, name string) bool {
	name, selected := strings.CutPrefix(name, ".")
	switch e := e.(type) {
	case *ast.Ident:
		return !selected && e.Name == name
	case *ast.SelectorExpr:
		return e.Sel.Name == name
	}
	return false
}

// find returns every match in n.
func (a Anchor) find(n ast.Node) (all []match) {
	var path []ast.Node
	ast.Inspect(n, func(n ast.Node) bool {
		if n == nil {
			path = path[:len(path)-1]
			return true
		}
		if len(path) > 0 && isLabel(path[len(path)-1], n) {
			return false
		}
		path = append(path, n)
		if e := a.fits(n); e != nil {
			all = append(all, match{e, around(path)})
		}
		return true
	})
	return all
}

// isLabel reports whether n is only the last part of a selector or the name of a
// field that a literal sets.
func isLabel(parent, n ast.Node) bool {
	switch p := parent.(type) {
	case *ast.SelectorExpr:
		return n == p.Sel
	case *ast.KeyValueExpr:
		_, name := p.Key.(*ast.Ident)
		return name && n == p.Key
	}
	return false
}

// around returns the innermost statement on the path that is in a list.
func around(path []ast.Node) ast.Stmt {
	for i := len(path) - 1; i > 0; i-- {
		s, ok := path[i].(ast.Stmt)
		if !ok {
			continue
		}
		switch parent := path[i-1].(type) {
		case *ast.BlockStmt, *ast.CaseClause:
			return s
		case *ast.CommClause:
			if s != parent.Comm {
				return s
			}
		}
	}
	return nil
}
