package named

import (
	"fmt"
	"slices"
	"strings"
)

// Option is a field of a struct O that is set by its name. The name is the vendor's where it is
// published; otherwise it is ours, in the vendor's style.
type Option[O any] struct {
	Name    string
	Ours    bool   // the vendor's name is not known, or the vendor has no such option
	Default string // which the zero value of O means
	Values  string // that it takes, in words
	Help    string
	// Source says where the behaviour is from and how certain it is: D documented by the
	// vendor, O observed in its output, I inferred, U unknown and therefore chosen here.
	Source string

	set    func(o *O, value string) error
	preset func(o *O) // sets the default, if nothing else is set
}

// Table is all options of one struct, in the order of the documentation.
type Table[O any] struct {
	Of   string // the system whose options they are, as an error calls it
	Rows []Option[O]
}

// Set sets the option that a setting NAME=VALUE names. An error says what the option takes, or
// that there is none of that name; nothing has changed then.
func (t Table[O]) Set(o *O, setting string) error {
	name, value, ok := strings.Cut(setting, "=")
	if !ok {
		return fmt.Errorf("%q has no value: write NAME=VALUE", setting)
	}
	i := slices.IndexFunc(t.Rows, func(n Option[O]) bool { return n.Name == name })
	if i < 0 {
		return fmt.Errorf("%q is not an option of %s: %s", name, t.Of, t.likely(name))
	}
	if err := t.Rows[i].set(o, value); err != nil {
		return fmt.Errorf("%s=%s: %w", name, value, err)
	}
	return nil
}

// Check returns what is wrong with a list of settings: each mistake, and each name that is set
// twice.
func (t Table[O]) Check(settings []string) (mistakes []error) {
	var o O
	seen := map[string]bool{}
	for _, setting := range settings {
		if err := t.Set(&o, setting); err != nil {
			mistakes = append(mistakes, err)
		}
		name, _, _ := strings.Cut(setting, "=")
		if seen[name] {
			mistakes = append(mistakes, fmt.Errorf("%s is set twice: remove one", name))
		}
		seen[name] = true
	}
	return mistakes
}

// Preset sets every option that is not set to its default.
func (t Table[O]) Preset(o *O) {
	for _, n := range t.Rows {
		n.preset(o)
	}
}

// likely returns a hint at the names that the writer may have meant.
func (t Table[O]) likely(name string) string {
	var likely []string
	for _, n := range t.Rows {
		if slices.ContainsFunc(strings.Split(name, "-"), func(word string) bool {
			return len(word) > 3 && strings.Contains(n.Name, strings.ToLower(word))
		}) {
			likely = append(likely, n.Name)
		}
	}
	if len(likely) == 0 {
		return "--help lists the names"
	}
	return "is it " + strings.Join(likely, ", ") + "?"
}
