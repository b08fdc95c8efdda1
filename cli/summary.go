package cli

import (
	"log/slog"
	"strconv"
	"strings"

	"attache/bridge"
	"attache/proxy/limits"
)

// logLimits logs the limits that apply, so that an operator sees at startup what the
// flags and their defaults amount to.
func (c serve) logLimits(log *slog.Logger, s limits.Settings) {
	customers := summary(s.Customers())
	if c.chatOf() != own {
		customers = "set by " + setter(c.chatOf())
	}
	scanned := "none"
	if c.Scanner != "off" {
		scanned = "every file, up to " + bridge.Bytes(c.ScanMaxSize)
	}
	log.Info("systems in use", "chat", c.chatOf(), "documents", c.documentsOf(), "agents_files", c.agentsOf())
	log.Info("limits in force", "customers", customers, "agents", summary(s.Agents()), "scanned", scanned)
	if c.Scanner == "off" {
		log.Warn("the scanner is off: files are released unscanned", "hint", "remove --scanner=off, and give clamd's address with --clamd")
	}
}

// setter is the system that sets the customers' limits, in words.
func setter(system string) string {
	if system == ofGMS {
		return "GMS"
	}
	return "the " + system
}

// summary returns in words what the limits allow.
func summary(l bridge.Limits) string {
	if l.MaxFiles == 0 || l.MaxFileSize == 0 || l.MaxTotalSize == 0 {
		return "no uploads; " + downloads(l)
	}
	words := []string{"any number of files"}
	if l.MaxFiles != bridge.NoLimit {
		words[0] = strconv.FormatInt(l.MaxFiles, 10) + " files"
	}
	if l.MaxFileSize != bridge.NoLimit {
		words = append(words, "each up to "+bridge.Bytes(l.MaxFileSize))
	}
	if l.MaxTotalSize != bridge.NoLimit {
		words = append(words, "together up to "+bridge.Bytes(l.MaxTotalSize))
	}
	if len(l.Types) > 0 {
		words = append(words, "of types "+strings.Join(l.Types, " "))
	}
	if l.NeedAgent {
		words = append(words, "once an agent has joined")
	}
	return strings.Join(words, ", ") + "; " + downloads(l)
}

func downloads(l bridge.Limits) string {
	if l.MaxDownloads == bridge.NoLimit {
		return "any number of downloads"
	}
	return strconv.FormatInt(l.MaxDownloads, 10) + " downloads"
}
