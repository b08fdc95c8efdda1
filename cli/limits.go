package cli

import (
	"context"
	"log/slog"
	"strings"

	"attache/bridge"
	"attache/proxy/chat"
	"attache/proxy/limits"
)

// customerFlags are Chat Server's options of section client-file-transfer, under its
// names.
type customerFlags struct {
	UploadMaxFiles     int64  `default:"3" help:"files that the customers of one session may send; 0 turns uploads off, -1 is no limit" group:"customers"`
	UploadMaxFileSize  int64  `default:"2097152" help:"bytes of one file of a customer; 0 turns uploads off, -1 is no limit" group:"customers"`
	UploadMaxTotalSize int64  `default:"5242880" help:"bytes of all files of one session's customers; 0 turns uploads off, -1 is no limit" group:"customers"`
	UploadFileTypes    string `help:"allowed extensions, without dots, separated by colons; empty allows every type" group:"customers" placeholder:"jpg:pdf:…"`
	UploadNeedAgent    bool   `help:"refuse uploads until an agent has joined" group:"customers"`
	DeleteFile         string `default:"odd" help:"what a customer's deletion of its own file does: odd gives its share of the limits back, keep goes on counting it, off refuses it; odd is the vendor's word, and its meaning is not published: --chat-option delete-file-odd-counts=true goes on counting it" group:"customers"`
	DownloadAttempts   int64  `default:"2" help:"downloads that the customers of one session may start; -1 is no limit" group:"customers"`
}

// agentFlags limit every other party. Chat Server leaves that to the desktop.
type agentFlags struct {
	AgentMaxFiles     int64  `default:"-1" help:"files that all parties of one session but its customers may send together; 0 turns their uploads off, -1 is no limit" group:"agents"`
	AgentMaxFileSize  int64  `default:"-1" help:"bytes of one file of a party that is not a customer; 0 turns their uploads off, -1 is no limit" group:"agents"`
	AgentMaxTotalSize int64  `default:"-1" help:"bytes of all files of one session's parties but its customers; 0 turns their uploads off, -1 is no limit" group:"agents"`
	AgentFileTypes    string `help:"allowed extensions, without dots, separated by colons; empty allows every type" group:"agents" placeholder:"jpg:pdf:…"`
}

// textFlags bound the size of a session's log. They apply to our own Chat Server: a
// backend has its own.
type textFlags struct {
	CustomerMaxText int64 `default:"4194304" help:"bytes that one customer may add to a session's transcript, counting 512 more for each entry; all its customers together may add twice that; -1 is no limit" group:"customers"`
	AgentMaxText    int64 `default:"67108864" help:"bytes that any other party may add to a session's transcript; all of them together may add twice that; -1 is no limit" group:"agents"`
}

// chatFlags set the options of our own Chat Server by their names.
type chatFlags struct {
	ChatOption []string `sep:";" help:"option of our own Chat Server, by the vendor's name where it has one; repeat it for more, or separate them by semicolons; --help lists them below" group:"chat" placeholder:"NAME=VALUE"`
}

func (f chatFlags) check(m *mistakes) {
	for _, err := range chat.NamedOptions.Check(f.ChatOption) {
		m.addError("--chat-option", err)
	}
}

// minText is enough for a party to join, say something and leave.
const minText = 64 << 10

// settings are what the flags start with.
func (f customerFlags) settings(a agentFlags) limits.Settings {
	return limits.Settings{
		UploadMaxFiles: f.UploadMaxFiles, UploadMaxFileSize: f.UploadMaxFileSize, UploadMaxTotalSize: f.UploadMaxTotalSize,
		UploadFileTypes: f.UploadFileTypes, UploadNeedAgent: f.UploadNeedAgent,
		DownloadAttempts: f.DownloadAttempts, DeleteFile: f.DeleteFile,
		AgentMaxFiles: a.AgentMaxFiles, AgentMaxFileSize: a.AgentMaxFileSize, AgentMaxTotalSize: a.AgentMaxTotalSize,
		AgentFileTypes: a.AgentFileTypes,
	}
}

// noAgentLimits are the flags of a command without agents.
var noAgentLimits = agentFlags{AgentMaxFiles: bridge.NoLimit, AgentMaxFileSize: bridge.NoLimit, AgentMaxTotalSize: bridge.NoLimit}

// limits adds what is wrong with limits that flags set.
func (m *mistakes) limits(s limits.Settings, b limits.Bounds) {
	for _, one := range s.Check(b) {
		separator := " "
		if strings.Trim(one.Message[:1], "-0123456789") == "" {
			separator = "="
		}
		message := one.Message
		for _, o := range limits.Options {
			message = strings.ReplaceAll(message, " "+o.Name+"=", " --"+o.Name+"=")
		}
		m.add("--%s%s%s", one.Option, separator, message)
	}
}

// limitsFileFlags name the file that is watched for limits.
type limitsFileFlags struct {
	LimitsFile string `type:"path" help:"JSON file with some of the options upload-*, download-attempts, delete-file and agent-*, which take the place of the flags; it is read again when it changes" group:"customers" placeholder:"FILE"`
}

// base returns what this process starts with: the flags, and over them the file.
func (f limitsFileFlags) base(flags limits.Settings, b limits.Bounds) (limits.Settings, error) {
	if f.LimitsFile == "" {
		return flags, nil
	}
	return limits.ReadFile(f.file(flags, b, nil))
}

func (f limitsFileFlags) file(flags limits.Settings, b limits.Bounds, log *slog.Logger) limits.FileOptions {
	return limits.FileOptions{Path: f.LimitsFile, Flags: flags, Bounds: b, Log: log}
}

func (f limitsFileFlags) check(m *mistakes, s storeFlags, flags limits.Settings, b limits.Bounds) {
	if f.LimitsFile == "" {
		return
	}
	if s.NATS != "" {
		m.add("--limits-file has no effect on a cluster, whose proxies would each apply their own: use attache limits set")
		return
	}
	if _, err := f.base(flags, b); err != nil {
		m.add("--limits-file: %w", err)
	}
}

// watch applies the file whenever it changes, until ctx ends.
func (f limitsFileFlags) watch(ctx context.Context, store *limits.Store, flags limits.Settings, b limits.Bounds, log *slog.Logger) {
	if f.LimitsFile != "" {
		go store.WatchFile(ctx, f.file(flags, b, log))
	}
}

func (f textFlags) check(m *mistakes) {
	m.text("--customer-max-text", f.CustomerMaxText)
	m.text("--agent-max-text", f.AgentMaxText)
}

func (m *mistakes) text(flag string, n int64) {
	if n != bridge.NoLimit && (n < minText || n > bridge.MaxInteger) {
		m.add("%s=%d: give a number of bytes from %d to 2^53-1, or -1 for no limit", flag, n, minText)
	}
}

// chatOptions returns the options of our own Chat Server. The flags have been checked.
func chatOptions(f textFlags, named chatFlags) chat.Options {
	o := chat.Options{CustomerText: f.CustomerMaxText, AgentText: f.AgentMaxText}
	for _, setting := range named.ChatOption {
		o.SetNamed(setting)
	}
	return o
}
