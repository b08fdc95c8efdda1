package main

import "time"

// Figures that have bounds.
const (
	uploadP50      = "uploadP50Ms"
	uploadP99      = "uploadP99Ms"
	messageP99     = "messageP99Ms"
	newcomerP99    = "newcomerP99Ms"
	refusedShare   = "newcomersRefusedPercent"
	goodFailed     = "goodFailed"
	silenced       = "agentsSilenced" // messages of good users, who are agents, that were refused
	spoken         = "agentsSpoken"
	longestSilence = "agentSilenceMaxMs" // between two messages of a good user that were accepted, and after the last
	peakRSS        = "peakRSSMB"
	socketMemory   = "socketMemoryMB"
	logRate        = "logKBPerSecond"
	stored         = "storedMB" // bytes on disk without those from before the attack and those of good users
	goroutinesLeft = "goroutinesLeft"
	goroutinesPeak = "goroutinesPeak"

	descriptorsLeft = "descriptorsLeft"
	notReady        = "notReadyPercent" // of the requests for /readyz
)

// unharmed bounds what good users may notice of any attack.
var unharmed = []bound{{uploadP99, 150}, {refusedShare, 1}, {goodFailed, 0}, {goroutinesLeft, 250}, {descriptorsLeft, 80}}

func and(more ...bound) []bound { return append(append([]bound{}, unharmed...), more...) }

// flooders are 25 parties, each with one socket that connects again at once.
func flooders(name, kind string) row {
	return row{name: name, attacks: []attack{{Kind: kind, Number: 25, Parties: 25}}, bounds: and(bound{peakRSS, 200})}
}

// rows are all attacks.
var rows = []row{
	{name: "none", bounds: unharmed},
	flooders("pings", "pings"),
	flooders("pongs", "pongs"),
	flooders("fragments", "fragments"),
	flooders("messages", "messages"),
	flooders("frames", "frames"),
	{
		name:    "ranges",
		attacks: []attack{{Kind: "ranges", Number: 25, Parties: 25, Together: true}},
		bounds:  and(bound{peakRSS, 200}),
	},
	{
		name:    "replay",
		attacks: []attack{{Kind: "replay", Number: 25, Parties: 25, Together: true}},
		bounds:  and(bound{peakRSS, 250}),
	},
	{
		name: "strangers",
		attacks: []attack{
			{Kind: "headers", Number: 1500, Addresses: 40}, {Kind: "tcp", Number: 500, Addresses: 40},
			{Kind: "silent", Number: 600, Addresses: 40}, {Kind: "dripping", Number: 300, Addresses: 40},
			{Kind: "body", Number: 300, Addresses: 40}, {Kind: "assets", Number: 300, Addresses: 40},
		},
		settle: 15 * time.Second,
		bounds: and(bound{peakRSS, 250}),
	},
	{name: "waiting", attacks: []attack{{Kind: "silent", Number: 1100, Addresses: 1100}}, settle: 10 * time.Second, bounds: and(bound{peakRSS, 200})},
	{name: "bodies", attacks: []attack{{Kind: "body", Number: 400, Addresses: 1}}, settle: 10 * time.Second, bounds: unharmed},
	{name: "assets", attacks: []attack{{Kind: "assets", Number: 400, Addresses: 1}}, settle: 50 * time.Second, bounds: unharmed},
	{
		name: "descriptors", descriptors: 300,
		attacks: []attack{{Kind: "body", Number: 200, Addresses: 1}, {Kind: "assets", Number: 200, Addresses: 1}},
		settle:  50 * time.Second, bounds: and(bound{notReady, 20}),
	},
	{name: "guesses", attacks: []attack{{Kind: "guesses", Number: 40, Addresses: 40}}, bounds: and(bound{logRate, 20})},
	{name: "refusals", attacks: []attack{{Kind: "refusals", Number: 8, Addresses: 8}}, bounds: and(bound{logRate, 20})},
	{name: "half-frames", attacks: []attack{{Kind: "halves", Number: 600, Parties: 75}}, settle: 20 * time.Second, bounds: and(bound{peakRSS, 150})},
	{name: "half-frames-600", attacks: []attack{{Kind: "halves", Number: 600, Parties: 600}}, settle: 20 * time.Second, bounds: and(bound{peakRSS, 150})},
	{
		name: "unread", attacks: []attack{{Kind: "unread", Number: 300, Parties: 300, Together: true}}, settle: 30 * time.Second,
		bounds: and(bound{socketMemory, 80}, bound{peakRSS, 250}),
	},
	{name: "sockets", attacks: []attack{{Kind: "sockets", Number: 1500, Parties: 1}}, bounds: and(bound{peakRSS, 150})},
	{
		name: "allowance", flags: []string{"--upload-max-files=3", "--upload-max-total-size=5242880"},
		attacks: []attack{{Kind: "allowance", Number: 1, Parties: 1}}, bounds: []bound{{stored, 16}},
	},
	{
		// Everything that four customers may send does not stop an agent's message (H1, H5).
		name: "disk", volume: 400, attacks: []attack{{Kind: "uploads", Number: 4, Parties: 4}, {Kind: "words", Number: 4, Parties: 4}},
		flags:  append([]string{"--customer-max-text=-1"}, unlimited...),
		bounds: []bound{{silenced, 0}, {longestSilence, 3000}, {notReady, 0}},
	},
	{name: "words", attacks: []attack{{Kind: "words", Number: 4, Parties: 4}}, bounds: and(bound{stored, 64})},
}
