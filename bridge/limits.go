package bridge

import (
	"strconv"
	"strings"
)

// NoLimit marks a limit that does not exist. A limit of 0 switches uploads off,
// as it does in Chat Server's section client-file-transfer.
const NoLimit = -1

// Limits are the allowances that bind a party, and how much of them is used.
type Limits struct {
	MaxFiles      int64 // files in the session
	UsedFiles     int64
	MaxFileSize   int64 // bytes of one file
	MaxTotalSize  int64 // bytes of all files in the session
	UsedTotalSize int64
	Types         []string // extensions without dots; empty: every type
	NeedAgent     bool     // uploads need an agent in the session
	AgentHere     bool     // whether there is one
	MaxDownloads  int64    // attempts in the session
	UsedDownloads int64
	DeleteFile    string // whether a sender may delete its file, and what that does to the use; empty: not said
	DeleteOthers  string // which files of others the party may delete; empty: none
}

// The tokens of option delete-file. Only odd is known, from a captured session; what it
// means, and which others there are, is not published, so the other two are ours.
const (
	DeleteOdd  = "odd"  // may be deleted; by default it no longer counts then
	DeleteKeep = "keep" // may be deleted, and still counts
	DeleteOff  = "off"  // may not be deleted
)

// DeleteTokens are the values of option delete-file.
var DeleteTokens = []string{DeleteOdd, DeleteKeep, DeleteOff}

// Which files of others a party may delete. Whoever asks, DeleteOff binds the files of
// customers and no others.
const (
	OthersStaff = "staff" // those of parties that are not customers
	OthersAll   = "all"
)

// VendorLimits are Chat Server's defaults for customers (Genesys, options
// upload-max-files, upload-max-file-size, upload-max-total-size). The default
// of download-attempts is not published; 2 was seen in a captured session, and so was the
// token of delete-file.
func VendorLimits() Limits {
	return Limits{MaxFiles: 3, MaxFileSize: 2097152, MaxTotalSize: 5242880, MaxDownloads: 2, DeleteFile: DeleteOdd}
}

// Unlimited returns no limits: Chat Server does not limit agents.
func Unlimited() Limits {
	return Limits{MaxFiles: NoLimit, MaxFileSize: NoLimit, MaxTotalSize: NoLimit, MaxDownloads: NoLimit}
}

// Counted reports whether there is a limit for all files of the session together.
func (l Limits) Counted() bool { return l.MaxFiles != NoLimit || l.MaxTotalSize != NoLimit }

// PerFile returns the limits on each single file, without the session's usage and
// without the condition of an agent, which may change at any time. A resumed upload
// is checked with it, because the usage already contains its own reservation.
func (l Limits) PerFile() Limits {
	l.UsedFiles, l.UsedTotalSize, l.NeedAgent = 0, 0, false
	return l
}

// Check checks a file by its announced name and size in bytes. A size equal to
// the limit passes. The error names the rule and the limit.
func (l Limits) Check(name string, size int64) error {
	if err := CheckName(name); err != nil {
		return err
	}
	shown := SafeName(name, "")
	switch {
	case size < 0 || size > MaxInteger:
		return invalid("a file has 0 to 2^53-1 bytes")
	case l.MaxFiles == 0 || l.MaxFileSize == 0 || l.MaxTotalSize == 0:
		return NewError(CodeUploadsOff, "")
	case l.NeedAgent && !l.AgentHere:
		return NewError(CodeNeedAgent, "")
	case !l.allows(shown.Extension):
		return NewError(CodeFileType, "files of type "+typeName(shown.Extension)+" may not be sent; allowed are "+strings.Join(l.Types, ", "))
	case l.MaxFileSize != NoLimit && size > l.MaxFileSize:
		return NewError(CodeFileSize, "the file is "+apart(size, l.MaxFileSize)+"; the limit for one file is "+apart(l.MaxFileSize, size))
	case l.MaxFiles != NoLimit && l.UsedFiles >= l.MaxFiles:
		return NewError(CodeFileCount, "the limit for this chat is "+count(l.MaxFiles, "file")+"; sent so far: "+strconv.FormatInt(l.UsedFiles, 10))
	case l.MaxTotalSize != NoLimit && (size > l.MaxTotalSize || l.UsedTotalSize > l.MaxTotalSize-size):
		left := max(0, l.MaxTotalSize-l.UsedTotalSize)
		return NewError(CodeTotalSize, "the file is "+apart(size, left)+"; "+apart(left, size)+" of this chat's "+Bytes(l.MaxTotalSize)+" may still be sent")
	}
	return nil
}

func (l Limits) allows(extension string) bool {
	if len(l.Types) == 0 {
		return true
	}
	for _, t := range l.Types {
		if strings.EqualFold(t, extension) {
			return true
		}
	}
	return false
}

func typeName(extension string) string {
	if extension == "" {
		return "unknown"
	}
	return extension
}

func count(n int64, noun string) string {
	s := strconv.FormatInt(n, 10) + " " + noun
	if n != 1 {
		s += "s"
	}
	return s
}

// Bytes formats a size for a sentence: exact below 1 kB, one decimal above. Each unit
// is 1024 of the next smaller one and is named as desktops and the widget name it.
func Bytes(n int64) string {
	const unit = 1024
	if n < unit {
		return count(n, "byte")
	}
	names := []string{"kB", "MB", "GB", "TB", "PB"}
	div, i := int64(unit), 0
	for n/div >= unit && i < len(names)-1 {
		div *= unit
		i++
	}
	s := strconv.FormatInt(n/div, 10)
	if tenth := n % div * 10 / div; tenth != 0 {
		s += "." + strconv.FormatInt(tenth, 10)
	}
	return s + " " + names[i]
}

// apart returns Bytes(n), or the exact count if Bytes(other) looks the same although the
// numbers differ.
func apart(n, other int64) string {
	if Bytes(n) == Bytes(other) {
		return count(n, "byte")
	}
	return Bytes(n)
}

// ParseTypes reads a list of extensions as Chat Server writes it: without dots,
// separated by colons.
func ParseTypes(s string) []string {
	var types []string
	for _, t := range strings.FieldsFunc(s, func(r rune) bool { return r == ':' || r == ',' || r == ' ' }) {
		if t = strings.TrimLeft(t, "."); t != "" {
			types = append(types, strings.ToLower(t))
		}
	}
	return types
}

func (l *Limits) fields(f fields) {
	f.limit("maxFiles", &l.MaxFiles)
	f.count("usedFiles", &l.UsedFiles)
	f.limit("maxFileSize", &l.MaxFileSize)
	f.limit("maxTotalSize", &l.MaxTotalSize)
	f.count("usedTotalSize", &l.UsedTotalSize)
	f.texts("types", &l.Types, 256, 32)
	f.flag("needAgent", &l.NeedAgent)
	f.flag("agentHere", &l.AgentHere)
	f.limit("maxDownloads", &l.MaxDownloads)
	f.count("usedDownloads", &l.UsedDownloads)
	f.optional("deleteFile", &l.DeleteFile, 32)
	f.optional("deleteOthers", &l.DeleteOthers, 32)
}

// ParseLimits reads what AppendLimits wrote.
func ParseLimits(in []byte) (Limits, error) {
	var l Limits
	n, err := parse(in)
	if err != nil {
		return l, err
	}
	return l, decode(n, &l)
}
