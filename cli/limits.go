package cli

import (
	"attache/bridge"
	"attache/proxy/chat"
)

// customerFlags are Chat Server's options of section client-file-transfer, under its
// names.
type customerFlags struct {
	UploadMaxFiles     int64  `default:"3" help:"files that the customers of one session may send; 0 turns uploads off, -1 is no limit" group:"customers"`
	UploadMaxFileSize  int64  `default:"2097152" help:"bytes of one file; 0 turns uploads off, -1 is no limit" group:"customers"`
	UploadMaxTotalSize int64  `default:"5242880" help:"bytes of all files of one session; 0 turns uploads off, -1 is no limit" group:"customers"`
	UploadFileTypes    string `help:"allowed extensions, without dots, separated by colons; empty allows every type" group:"customers" placeholder:"jpg:pdf:…"`
	UploadNeedAgent    bool   `help:"refuse uploads until an agent has joined" group:"customers"`
	DownloadAttempts   int64  `default:"2" help:"downloads that the customers of one session may start; -1 is no limit" group:"customers"`
}

// agentFlags limit every other party. Chat Server leaves that to the desktop.
type agentFlags struct {
	AgentMaxFileSize int64  `default:"-1" help:"bytes of one file; -1 is no limit" group:"agents"`
	AgentFileTypes   string `help:"allowed extensions, without dots, separated by colons; empty allows every type" group:"agents" placeholder:"jpg:pdf:…"`
}

// textFlags bound the size of a session's log. They apply to our own Chat Server: a
// backend has its own.
type textFlags struct {
	CustomerMaxText int64 `default:"4194304" help:"bytes that one customer may add to a session's transcript, counting 512 more for each entry; all its customers together may add twice that; -1 is no limit" group:"customers"`
	AgentMaxText    int64 `default:"67108864" help:"bytes that any other party may add to a session's transcript; all of them together may add twice that; -1 is no limit" group:"agents"`
}

// minText is enough for a party to join, say something and leave.
const minText = 64 << 10

func (f customerFlags) check(m *mistakes) {
	m.number("--upload-max-files", f.UploadMaxFiles, "no uploads")
	m.number("--upload-max-file-size", f.UploadMaxFileSize, "no uploads")
	m.number("--upload-max-total-size", f.UploadMaxTotalSize, "no uploads")
	m.number("--download-attempts", f.DownloadAttempts, "no downloads")
	m.extensions("--upload-file-types", f.UploadFileTypes)
	on := f.UploadMaxFiles != 0 && f.UploadMaxTotalSize > 0
	if on && f.UploadMaxFileSize > f.UploadMaxTotalSize {
		m.add("--upload-max-file-size=%d is more than --upload-max-total-size=%d, so no file of that size could be sent: raise the total or lower the size",
			f.UploadMaxFileSize, f.UploadMaxTotalSize)
	}
}

func (f agentFlags) check(m *mistakes) {
	m.number("--agent-max-file-size", f.AgentMaxFileSize, "no uploads")
	m.extensions("--agent-file-types", f.AgentFileTypes)
}

func (f textFlags) check(m *mistakes) {
	m.text("--customer-max-text", f.CustomerMaxText)
	m.text("--agent-max-text", f.AgentMaxText)
}

// number checks a limit; -1 is no limit.
func (m *mistakes) number(flag string, n int64, zero string) {
	if n < bridge.NoLimit || n > bridge.MaxInteger {
		m.add("%s=%d: give a number up to 2^53-1, 0 for %s, or -1 for no limit", flag, n, zero)
	}
}

func (m *mistakes) text(flag string, n int64) {
	if n != bridge.NoLimit && (n < minText || n > bridge.MaxInteger) {
		m.add("%s=%d: give a number of bytes from %d to 2^53-1, or -1 for no limit", flag, n, minText)
	}
}

func (f customerFlags) limits() bridge.Limits {
	return bridge.Limits{
		MaxFiles: f.UploadMaxFiles, MaxFileSize: f.UploadMaxFileSize, MaxTotalSize: f.UploadMaxTotalSize,
		Types: bridge.ParseTypes(f.UploadFileTypes), NeedAgent: f.UploadNeedAgent, MaxDownloads: f.DownloadAttempts,
	}
}

func (f agentFlags) limits() bridge.Limits {
	l := bridge.Unlimited()
	l.MaxFileSize = f.AgentMaxFileSize
	l.Types = bridge.ParseTypes(f.AgentFileTypes)
	return l
}

// chatOptions returns the options of our own Chat Server.
func chatOptions(customers, agents bridge.Limits, f textFlags) chat.Options {
	return chat.Options{CustomerLimits: &customers, AgentLimits: &agents, CustomerText: f.CustomerMaxText, AgentText: f.AgentMaxText}
}
