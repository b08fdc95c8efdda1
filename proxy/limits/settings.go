package limits

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"attache/bridge"
)

// Settings are the options, by their names. -1 is no limit.
type Settings struct {
	// Of customers, by the vendor's names.
	UploadMaxFiles     int64
	UploadMaxFileSize  int64 // bytes
	UploadMaxTotalSize int64 // bytes
	UploadFileTypes    string
	UploadNeedAgent    bool
	DownloadAttempts   int64
	DeleteFile         string

	// Of every other party, by our names: the vendor leaves them to the desktop.
	AgentMaxFiles     int64
	AgentMaxFileSize  int64
	AgentMaxTotalSize int64
	AgentFileTypes    string
}

// Option is one of the settings.
type Option struct {
	Name      string
	Customers bool // it binds customers; otherwise every other party

	value func(*Settings) any // *int64, *string or *bool
}

// Options are all settings, in the order of the documentation.
var Options = []Option{
	{"upload-max-files", true, func(s *Settings) any { return &s.UploadMaxFiles }},
	{"upload-max-file-size", true, func(s *Settings) any { return &s.UploadMaxFileSize }},
	{"upload-max-total-size", true, func(s *Settings) any { return &s.UploadMaxTotalSize }},
	{"upload-file-types", true, func(s *Settings) any { return &s.UploadFileTypes }},
	{"upload-need-agent", true, func(s *Settings) any { return &s.UploadNeedAgent }},
	{"download-attempts", true, func(s *Settings) any { return &s.DownloadAttempts }},
	{"delete-file", true, func(s *Settings) any { return &s.DeleteFile }},
	{"agent-max-files", false, func(s *Settings) any { return &s.AgentMaxFiles }},
	{"agent-max-file-size", false, func(s *Settings) any { return &s.AgentMaxFileSize }},
	{"agent-max-total-size", false, func(s *Settings) any { return &s.AgentMaxTotalSize }},
	{"agent-file-types", false, func(s *Settings) any { return &s.AgentFileTypes }},
}

// Standard returns the vendor's defaults for customers, and no limits for all others.
func Standard() Settings {
	v := bridge.VendorLimits()
	return Settings{
		UploadMaxFiles: v.MaxFiles, UploadMaxFileSize: v.MaxFileSize, UploadMaxTotalSize: v.MaxTotalSize,
		DownloadAttempts: v.MaxDownloads, DeleteFile: v.DeleteFile,
		AgentMaxFiles: bridge.NoLimit, AgentMaxFileSize: bridge.NoLimit, AgentMaxTotalSize: bridge.NoLimit,
	}
}

// Customers returns the limits of parties of type CLIENT.
func (s Settings) Customers() bridge.Limits {
	return bridge.Limits{
		MaxFiles: s.UploadMaxFiles, MaxFileSize: s.UploadMaxFileSize, MaxTotalSize: s.UploadMaxTotalSize,
		Types: bridge.ParseTypes(s.UploadFileTypes), NeedAgent: s.UploadNeedAgent,
		MaxDownloads: s.DownloadAttempts, DeleteFile: s.DeleteFile,
	}
}

// Agents returns the limits of all other parties.
func (s Settings) Agents() bridge.Limits {
	return bridge.Limits{
		MaxFiles: s.AgentMaxFiles, MaxFileSize: s.AgentMaxFileSize, MaxTotalSize: s.AgentMaxTotalSize,
		Types: bridge.ParseTypes(s.AgentFileTypes), MaxDownloads: bridge.NoLimit, DeleteFile: bridge.DeleteOdd,
	}
}

// canonical returns s with its lists of extensions as Chat Server writes them, separated by
// colons. A list with commas or blanks means the same, so it is not another value.
func (s Settings) canonical() Settings {
	s.UploadFileTypes = strings.Join(bridge.ParseTypes(s.UploadFileTypes), ":")
	s.AgentFileTypes = strings.Join(bridge.ParseTypes(s.AgentFileTypes), ":")
	return s
}

// Value returns the option's value in s as text, as [Settings.Set] takes it.
func (o Option) Value(s Settings) string {
	s = s.canonical()
	switch v := o.value(&s).(type) {
	case *int64:
		return strconv.FormatInt(*v, 10)
	case *bool:
		return strconv.FormatBool(*v)
	case *string:
		return *v
	}
	return ""
}

func (o Option) copy(to, from *Settings) {
	switch v := o.value(to).(type) {
	case *int64:
		*v = *o.value(from).(*int64)
	case *bool:
		*v = *o.value(from).(*bool)
	case *string:
		*v = *o.value(from).(*string)
	}
}

// Changed returns the options that differ.
func (s Settings) Changed(from Settings) (list []Option) {
	for _, o := range Options {
		if o.Value(s) != o.Value(from) {
			list = append(list, o)
		}
	}
	return list
}

// rebase returns s with the options taken from now that differ between then and now.
func (s Settings) rebase(then, now Settings) (Settings, []Option) {
	list := now.Changed(then)
	for _, o := range list {
		o.copy(&s, &now)
	}
	return s, list
}

// MarshalJSON writes an object with the options' names.
func (s Settings) MarshalJSON() ([]byte, error) {
	s, out := s.canonical(), []byte{'{'}
	for i, o := range Options {
		if i > 0 {
			out = append(out, ',')
		}
		value, err := json.Marshal(o.value(&s))
		if err != nil {
			return nil, err
		}
		out = append(strconv.AppendQuote(out, o.Name), ':')
		out = append(out, value...)
	}
	return append(out, '}'), nil
}

// names lists the options, for a hint.
func names(customers, agents bool) string {
	var list []string
	for _, o := range Options {
		if o.Customers && customers || !o.Customers && agents {
			list = append(list, o.Name)
		}
	}
	return strings.Join(list, ", ")
}

func find(name string) (Option, bool) {
	i := slices.IndexFunc(Options, func(o Option) bool { return o.Name == name })
	if i < 0 {
		return Option{}, false
	}
	return Options[i], true
}
