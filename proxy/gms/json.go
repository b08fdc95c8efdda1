package gms

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// newJSON reads a body that is one JSON object. Its members are parameters; numbers and booleans
// count as their text, and null as absent.
func newJSON(body io.Reader) (parts, error) {
	all, err := io.ReadAll(body)
	if err != nil {
		return nil, unreadable(err)
	}
	var l list
	err = readJSON(all, func(name, value string) error {
		if len(l) == maxParts {
			return tooMany()
		}
		l = append(l, part{name: name, value: value})
		return nil
	})
	if err != nil {
		return nil, unreadable(err)
	}
	return &l, nil
}

var errNotJSON = errors.New("not a JSON object")

// maxJSONDepth is one more than a collection may have, so that the collection's own check says
// what is wrong.
const maxJSONDepth = 8

// readJSON calls set for every value of an object, with the name that a form would have for it:
// a[b] for a member of an object, a for each element of a list.
func readJSON(text []byte, set func(name, value string) error) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errNotJSON
	}
	if err := readObject(d, "", 1, set); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errNotJSON
	}
	return nil
}

func readObject(d *json.Decoder, prefix string, depth int, set func(name, value string) error) error {
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		if depth > 1 {
			name = prefix + "[" + name + "]"
		}
		if err := readValue(d, name, depth, set); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func readValue(d *json.Decoder, name string, depth int, set func(name, value string) error) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch v := t.(type) {
	case string:
		return set(name, v)
	case json.Number:
		return set(name, v.String())
	case bool:
		return set(name, strconv.FormatBool(v))
	case json.Delim:
		if depth == maxJSONDepth {
			return errors.New("nested too deeply")
		}
		if v == '{' {
			return readObject(d, name, depth+1, set)
		}
		for d.More() {
			if err := readValue(d, name, depth+1, set); err != nil {
				return err
			}
		}
		_, err := d.Token()
		return err
	}
	return nil // null
}
