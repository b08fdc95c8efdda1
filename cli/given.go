package cli

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// given returns the flags of a group, a struct, whose values are not their defaults; without those
// that are named. Groups that are embedded in it count for themselves.
func given(flags any, without ...string) (names []string) {
	group := reflect.ValueOf(flags)
	for field, value := range group.Fields() {
		if field.Anonymous || value.IsZero() {
			continue
		}
		name := field.Tag.Get("name")
		if name == "" {
			name = kebab(field.Name)
		}
		if !slices.Contains(without, name) && !isDefault(value, field.Tag.Get("default")) {
			names = append(names, "--"+name)
		}
	}
	return names
}

func isDefault(value reflect.Value, text string) bool {
	if d, ok := value.Interface().(time.Duration); ok {
		standard, err := time.ParseDuration(text)
		return err == nil && d == standard
	}
	return text != "" && fmt.Sprint(value.Interface()) == text
}

// kebab is the flag's name of a field without a name of its own.
func kebab(field string) string {
	var b strings.Builder
	for i, r := range field {
		if i > 0 && 'A' <= r && r <= 'Z' && !(field[i-1] >= 'A' && field[i-1] <= 'Z') {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// idle reports flags that have no effect.
func (m *mistakes) idle(flags []string, why string) {
	switch len(flags) {
	case 0:
	case 1:
		m.add("%s has no effect %s", flags[0], why)
	default:
		last := len(flags) - 1
		m.add("%s and %s have no effect %s", strings.Join(flags[:last], ", "), flags[last], why)
	}
}
