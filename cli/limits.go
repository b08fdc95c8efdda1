package cli

import (
	"attache/bridge"
)

// customerFlags are Chat Server's options of section client-file-transfer, by
// its names.
type customerFlags struct {
	UploadMaxFiles     int64  `default:"3" help:"files that customers may send in a session; 0 switches uploads off" group:"customers"`
	UploadMaxFileSize  int64  `default:"2097152" help:"bytes of one file; 0 switches uploads off" group:"customers"`
	UploadMaxTotalSize int64  `default:"5242880" help:"bytes of all files of a session; 0 switches uploads off" group:"customers"`
	UploadFileTypes    string `help:"extensions without dots, colon-separated; empty allows every type" group:"customers" placeholder:"jpg:pdf:…"`
	UploadNeedAgent    bool   `help:"refuse uploads until an agent has joined" group:"customers"`
	DownloadAttempts   int64  `default:"2" help:"downloads of a session; -1 for no limit" group:"customers"`
}

// agentFlags bind everybody else; Chat Server leaves that to the desktop.
type agentFlags struct {
	AgentMaxFileSize int64  `default:"-1" help:"bytes of one file; -1 for no limit" group:"agents"`
	AgentFileTypes   string `help:"extensions without dots, colon-separated; empty allows every type" group:"agents" placeholder:"jpg:pdf:…"`
}

func (c customerFlags) check(m *mistakes) {
	m.number("--upload-max-files", c.UploadMaxFiles, "no uploads")
	m.number("--upload-max-file-size", c.UploadMaxFileSize, "no uploads")
	m.number("--upload-max-total-size", c.UploadMaxTotalSize, "no uploads")
	m.number("--download-attempts", c.DownloadAttempts, "no downloads")
	m.extensions("--upload-file-types", c.UploadFileTypes)
	on := c.UploadMaxFiles != 0 && c.UploadMaxTotalSize > 0
	if on && c.UploadMaxFileSize > c.UploadMaxTotalSize {
		m.add("--upload-max-file-size=%d is more than --upload-max-total-size=%d, so no such file could be sent: raise the total or lower the size",
			c.UploadMaxFileSize, c.UploadMaxTotalSize)
	}
}

func (a agentFlags) check(m *mistakes) {
	m.number("--agent-max-file-size", a.AgentMaxFileSize, "no uploads")
	m.extensions("--agent-file-types", a.AgentFileTypes)
}

func (c customerFlags) limits() bridge.Limits {
	return bridge.Limits{
		MaxFiles: c.UploadMaxFiles, MaxFileSize: c.UploadMaxFileSize, MaxTotalSize: c.UploadMaxTotalSize,
		Types: bridge.ParseTypes(c.UploadFileTypes), NeedAgent: c.UploadNeedAgent, MaxDownloads: c.DownloadAttempts,
	}
}

func (a agentFlags) limits() bridge.Limits {
	l := bridge.Unlimited()
	l.MaxFileSize = a.AgentMaxFileSize
	l.Types = bridge.ParseTypes(a.AgentFileTypes)
	return l
}
