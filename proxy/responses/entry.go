package responses

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"mime"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"attache/bridge"
)

// indexFile is the name of the index.
const indexFile = "index.json"

// Bounds of a library.
const (
	maxIndex   = 8 << 20 // bytes
	maxEntries = 10_000
	maxFolder  = 256 // bytes
	maxNote    = 512 // bytes of a description
)

// entry is a file that is to be a response.
type entry struct {
	File        string `json:"file"` // its path in the directory, with slashes
	Name        string `json:"name"`
	Folder      string `json:"folder"`
	Description string `json:"description"`
	Type        string `json:"type"`
}

// memberNames are those of an entry in the index.
var memberNames = []string{"file", "name", "folder", "description", "type"}

// listed is an entry, and where it is from.
type listed struct {
	entry
	number int // in the index, from 1; 0: there is no index
}

// String says which entry it is, for the operator.
func (l listed) String() string {
	switch {
	case l.number == 0:
		return l.File
	case l.File == "" || l.File == ".":
		return fmt.Sprintf("%s, entry %d", indexFile, l.number)
	}
	return fmt.Sprintf("%s, entry %d (%s)", indexFile, l.number, l.File)
}

// readEntries lists the entries of a directory; bad is called with each that cannot be one.
func readEntries(dir *os.Root, bad func(which string, err error)) ([]listed, error) {
	index, err := readIndex(dir, bad)
	if errors.Is(err, errMissing) {
		index, err = walk(dir, bad)
		if slices.ContainsFunc(index, func(l listed) bool { return l.File == indexFile }) {
			index, err = readIndex(dir, bad) // it has been written meanwhile
		}
	}
	if err != nil {
		return nil, err
	}
	if len(index) > maxEntries {
		return nil, fmt.Errorf("the library has %d files, and may have %d", len(index), maxEntries)
	}
	entries := make([]listed, 0, len(index))
	for _, l := range index {
		if err := l.complete(); err != nil {
			bad(l.String(), err)
			continue
		}
		entries = append(entries, l)
	}
	return entries, nil
}

func readIndex(dir *os.Root, bad func(string, error)) (index []listed, err error) {
	f, err := openRegular(dir, indexFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxIndex+1))
	if err == nil && len(b) > maxIndex {
		err = fmt.Errorf("it is longer than %s", bridge.Bytes(maxIndex))
	}
	var objects []json.RawMessage
	if err == nil {
		// Editors on Windows begin a file with a byte order mark.
		err = json.Unmarshal(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), &objects)
	}
	for i, object := range objects {
		l := listed{number: i + 1}
		if err = json.Unmarshal(object, &l.entry); err != nil {
			return nil, fmt.Errorf("read %s: entry %d: %w", indexFile, l.number, err)
		}
		if l.File == "" {
			bad(l.String(), nameless(object))
			continue
		}
		index = append(index, l)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", indexFile, err)
	}
	return index, nil
}

// nameless says why an object of the index names no file.
func nameless(object json.RawMessage) error {
	var members map[string]json.RawMessage
	json.Unmarshal(object, &members)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.ContainsFunc(memberNames, func(known string) bool { return strings.EqualFold(known, name) }) {
			return fmt.Errorf("it has no \"file\", and %.64q is unknown: the members are %s", name, strings.Join(memberNames, ", "))
		}
	}
	return errors.New("it has no \"file\": name a file of the directory")
}

// walk lists every regular file whose path has no hidden part.
func walk(dir *os.Root, bad func(string, error)) (entries []listed, err error) {
	err = fs.WalkDir(dir.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return err
		case err != nil:
			bad(name, err)
			return fs.SkipDir
		case name != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.IsDir():
		case !d.Type().IsRegular():
			bad(name, errIrregular)
		case len(entries) > maxEntries:
			return fs.SkipAll
		default:
			entries = append(entries, listed{entry: entry{File: name}})
		}
		return nil
	})
	return entries, err
}

var (
	errMissing   = errors.New("there is no such file")
	errIrregular = errors.New("it is not a regular file; links are not followed")
)

// openRegular opens a file of the directory, if neither it nor a directory on the way is a link.
func openRegular(dir *os.Root, name string) (*os.File, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, errors.New("it is not in the library's directory")
	}
	for part := name; part != "."; part = path.Dir(part) {
		info, err := dir.Lstat(filepath.FromSlash(part))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errMissing
		}
		if err != nil {
			return nil, err
		}
		if part == name && !info.Mode().IsRegular() || part != name && !info.IsDir() {
			return nil, errIrregular
		}
	}
	f, err := dir.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(errIrregular, err, f.Close())
	}
	return f, nil
}

// complete fills in what the index does not say, and refuses what no message can carry.
func (e *entry) complete() error {
	e.File = path.Clean(e.File)
	folder := path.Dir(e.File)
	if folder == "." {
		folder = ""
	}
	e.Name, e.Folder = cmp.Or(e.Name, path.Base(e.File)), strings.Trim(cmp.Or(e.Folder, folder), "/")
	e.Type = cmp.Or(e.Type, mime.TypeByExtension(strings.ToLower(path.Ext(e.Name))))
	switch {
	case bridge.SafeName(e.Name, "").Text != e.Name:
		return fmt.Errorf("the name %q cannot be sent as it is: write %q", e.Name, bridge.SafeName(e.Name, "").Text)
	case len(e.Folder) > maxFolder || bridge.XMLText(e.Folder) != e.Folder:
		return fmt.Errorf("the folder has more than %d bytes, or characters that cannot be sent", maxFolder)
	case len(e.Description) > maxNote || bridge.XMLText(e.Description) != e.Description:
		return fmt.Errorf("the description has more than %d bytes, or characters that cannot be sent", maxNote)
	case utf8.RuneCountInString(e.Type) > 256:
		return errors.New("the type has more than 256 characters")
	}
	return nil
}

// words is what a search looks at.
func (e entry) words() string {
	return strings.ToLower(e.Name + "\n" + e.Folder + "\n" + e.Description)
}
