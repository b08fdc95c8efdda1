package proxy_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"attache/bridge"

	"github.com/coder/websocket"
)

// padded is a ping message of n bytes.
func padded(n int) string {
	q := question(1)
	return q + strings.Repeat(" ", max(0, n-len(q)))
}

// lengthCases: RFC 6455, 5.2. A length has one form, the shortest.
func lengthCases() (cases []wireCase) {
	for _, n := range []int{30, 64, 124, 125, 126, 127, 128, 1000, 4096, bridge.MaxMessage - 1, bridge.MaxMessage} {
		cases = append(cases, wireCase{name: fmt.Sprintf("length/text of %d bytes", n), sent: piece(fin|opText, padded(n))})
	}
	for _, n := range []int{bridge.MaxMessage + 1, 1<<16 - 1, 1 << 16, 1 << 17} {
		cases = append(cases, wireCase{name: fmt.Sprintf("length/text of %d bytes", n), sent: piece(fin|opText, padded(n)), closes: []websocket.StatusCode{websocket.StatusMessageTooBig}})
	}
	long := func(n int) []byte { return binary.BigEndian.AppendUint16([]byte{126}, uint16(n)) }
	huge := func(n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{127}, n) }
	for op, name := range map[byte]string{opText: "text", opBinary: "binary", opPing: "ping", opPong: "pong", opClose: "close"} {
		payload := ""
		if op == opText {
			payload = question(1)
		}
		for form, length := range map[string][]byte{"two bytes": long(len(payload)), "eight bytes": huge(uint64(len(payload)))} {
			cases = append(cases, wireCase{name: "length/" + name + " in " + form + " for no need", sent: pieceOf(fin|op, payload, length, 0x80), closes: breaks1002})
		}
	}
	for _, n := range []int{0, 1, 125} {
		cases = append(cases, wireCase{name: fmt.Sprintf("length/%d in two bytes", n), sent: pieceOf(fin|opText, strings.Repeat(" ", n), long(n), 0x80), closes: breaks1002})
	}
	for _, n := range []int{126, 1000, 1<<16 - 1} {
		cases = append(cases, wireCase{name: fmt.Sprintf("length/%d in eight bytes", n), sent: pieceOf(fin|opText, strings.Repeat(" ", n), huge(uint64(n)), 0x80), closes: breaks1002})
	}
	for _, n := range []uint64{1 << 63, 1<<64 - 1} {
		cases = append(cases, wireCase{name: fmt.Sprintf("length/%x", n), sent: pieceOf(fin|opText, "", huge(n), 0x80), closes: breaksMute})
	}
	return cases
}

// controlCases: 5.5. At most 125 bytes, never in pieces, between pieces anywhere.
func controlCases() (cases []wireCase) {
	for _, n := range []int{0, 1, 2, 8, 64, 124, 125} {
		payload := strings.Repeat("\x00\xff", 63)[:n]
		cases = append(cases,
			wireCase{name: fmt.Sprintf("control/ping of %d bytes", n), sent: piece(fin|opPing, payload), pong: &payload},
			wireCase{name: fmt.Sprintf("control/pong of %d bytes", n), sent: piece(fin|opPong, payload)})
	}
	for _, n := range []int{126, 127, 1000, 1 << 16} {
		payload := strings.Repeat("x", n)
		for op, name := range map[byte]string{opPing: "ping", opPong: "pong", opClose: "close"} {
			cases = append(cases, wireCase{name: fmt.Sprintf("control/%s of %d bytes", name, n), sent: piece(fin|op, payload), closes: breaks1002})
		}
	}
	for op, name := range map[byte]string{opPing: "ping", opPong: "pong", opClose: "close"} {
		for _, payload := range []string{"", "x", closing(1000, "")} {
			cases = append(cases, wireCase{name: fmt.Sprintf("control/%s in pieces, %d bytes", name, len(payload)), sent: piece(op, payload), closes: breaks1002})
		}
	}
	last := "9"
	var many []byte
	for i := range 10 {
		many = append(many, piece(fin|opPing, fmt.Sprint(i))...)
	}
	return append(cases, wireCase{name: "control/ten pings", sent: many, pong: &last})
}

// reservedCases: 5.2. No extension was agreed on, so the reserved bits are zero.
func reservedCases() (cases []wireCase) {
	for bits := byte(1); bits < 8; bits++ {
		for op, name := range map[byte]string{opText: "text", opBinary: "binary", opPing: "ping", opPong: "pong", opClose: "close", opContinue: "continuation"} {
			cases = append(cases, wireCase{name: fmt.Sprintf("reserved bits/%03b on %s", bits, name), sent: piece(fin|bits<<4|op, ""), closes: breaks1002})
		}
	}
	return cases
}

// opcodeCases: 5.2. Eleven opcodes are reserved.
func opcodeCases() (cases []wireCase) {
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		for _, end := range []byte{0, fin} {
			for _, payload := range []string{"", "x", strings.Repeat("x", 200)} {
				cases = append(cases, wireCase{name: fmt.Sprintf("opcode/%d, fin %d, %d bytes", op, end>>7, len(payload)), sent: piece(end|op, payload), closes: breaks1002})
			}
		}
	}
	return cases
}

// fragmentCases: 5.4.
func fragmentCases() (cases []wireCase) {
	whole := question(1)
	good := map[string][]byte{}
	for _, n := range []int{1, 2, 3, 7, len(whole) - 1} {
		var sent []byte
		for i := 0; i < len(whole); i += n {
			first := byte(opContinue)
			if i == 0 {
				first = opText
			}
			end := min(i+n, len(whole))
			if end == len(whole) {
				first |= fin
			}
			sent = append(sent, piece(first, whole[i:end])...)
		}
		good[fmt.Sprintf("pieces of %d bytes", n)] = sent
	}
	good["an empty first piece"] = slices.Concat(piece(opText, ""), piece(fin|opContinue, whole))
	good["an empty last piece"] = slices.Concat(piece(opText, whole), piece(fin|opContinue, ""))
	good["empty pieces between"] = slices.Concat(piece(opText, whole[:4]), piece(opContinue, ""), piece(opContinue, ""), piece(fin|opContinue, whole[4:]))
	good["a ping between"] = slices.Concat(piece(opText, whole[:4]), piece(fin|opPing, "p"), piece(fin|opContinue, whole[4:]))
	good["a pong between"] = slices.Concat(piece(opText, whole[:4]), piece(fin|opPong, "p"), piece(fin|opContinue, whole[4:]))
	good["pings between all"] = slices.Concat(piece(opText, whole[:4]), piece(fin|opPing, "1"), piece(opContinue, whole[4:9]), piece(fin|opPing, "2"), piece(fin|opContinue, whole[9:]))
	for name, sent := range good {
		cases = append(cases, wireCase{name: "pieces/" + name, sent: sent})
	}
	bad := map[string][]byte{
		"a continuation of nothing":                 piece(fin|opContinue, whole),
		"an empty continuation of nothing":          piece(fin|opContinue, ""),
		"an open continuation of nothing":           piece(opContinue, whole),
		"a continuation after a whole message":      slices.Concat(piece(fin|opText, whole), piece(fin|opContinue, whole)),
		"a text within a text":                      slices.Concat(piece(opText, whole[:4]), piece(fin|opText, whole)),
		"a binary message within a text":            slices.Concat(piece(opText, whole[:4]), piece(fin|opBinary, whole)),
		"an open text within a text":                slices.Concat(piece(opText, whole[:4]), piece(opText, whole[4:])),
		"a text within a text after a continuation": slices.Concat(piece(opText, whole[:4]), piece(opContinue, whole[4:6]), piece(fin|opText, whole)),
		"a text within a text after a ping":         slices.Concat(piece(opText, whole[:4]), piece(fin|opPing, ""), piece(fin|opText, whole)),
		"a second end":                              slices.Concat(piece(opText, whole[:4]), piece(fin|opContinue, whole[4:]), piece(fin|opContinue, "")),
		"a reserved bit on a continuation":          slices.Concat(piece(opText, whole[:4]), piece(fin|0x40|opContinue, whole[4:])),
		"an opcode without meaning between":         slices.Concat(piece(opText, whole[:4]), piece(fin|3, "")),
		"a ping in pieces between":                  slices.Concat(piece(opText, whole[:4]), piece(opPing, "p"), piece(fin|opContinue, whole[4:])),
		"a continuation in eight bytes for no need": slices.Concat(piece(opText, whole[:4]), pieceOf(fin|opContinue, "x", []byte{127, 0, 0, 0, 0, 0, 0, 0, 1}, 0x80)),
	}
	for name, sent := range bad {
		cases = append(cases, wireCase{name: "pieces/" + name, sent: sent, closes: breaks1002})
	}
	return append(cases,
		wireCase{name: "pieces/a close within a text", sent: slices.Concat(piece(opText, whole[:4]), piece(fin|opClose, closing(1000, ""))), closes: []websocket.StatusCode{1000}},
		wireCase{name: "pieces/binary on the chat socket", sent: piece(fin|opBinary, "x"), closes: []websocket.StatusCode{websocket.StatusPolicyViolation}})
}

// closeCases: 5.5.1 and 7.4. A good close is answered with its own code.
func closeCases() (cases []wireCase) {
	add := func(name, payload string, codes ...websocket.StatusCode) {
		cases = append(cases, wireCase{name: "close/" + name, sent: piece(fin|opClose, payload), closes: codes})
	}
	for _, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		add(fmt.Sprint(code), closing(code, ""), websocket.StatusCode(code))
	}
	for _, code := range []int{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65535} {
		add(fmt.Sprint(code), closing(code, ""), breaks1002...)
		add(fmt.Sprint(code)+" with a reason", closing(code, "because"), breaks1002...)
	}
	add("no code", "", websocket.StatusNoStatusRcvd, 1000)
	add("half a code", "\x03", breaks1002...)
	for name, reason := range map[string]string{"a word": "bye", "Greek": "κόσμε", "an emoji": "🎈", "123 bytes": strings.Repeat("x", 123)} {
		add("reason of "+name, closing(1000, reason), 1000)
	}
	for name, reason := range badUTF8 {
		add("L1 reason with "+name, closing(1000, "a"+reason), breaks1007...)
	}
	return append(cases,
		wireCase{name: "close/twice", sent: slices.Concat(piece(fin|opClose, closing(1000, "")), piece(fin|opClose, closing(1001, ""))), closes: []websocket.StatusCode{1000}},
		wireCase{name: "close/then a ping", sent: slices.Concat(piece(fin|opClose, closing(1000, "")), piece(fin|opPing, "x")), closes: []websocket.StatusCode{1000}})
}

// maskCases: 5.1. A page's frames are masked.
func maskCases() (cases []wireCase) {
	for op, name := range map[byte]string{opText: "text", opBinary: "binary", opPing: "ping", opPong: "pong", opClose: "close", opContinue: "continuation", 3: "opcode 3"} {
		cases = append(cases, wireCase{name: "mask/none on " + name, sent: pieceOf(fin|op, question(1), lengthOf(len(question(1))), 0), closes: breaksMute})
	}
	return append(cases, wireCase{name: "mask/of zeros", sent: maskedText([]byte(padded(126)))})
}

// badUTF8 are bytes that are not UTF-8, a name each.
var badUTF8 = map[string]string{
	"a lone continuation": "\x80", "a lone continuation, the last": "\xbf", "two continuations": "\x80\xbf", "seven continuations": "\x80\xbf\x80\xbf\x80\xbf\x80",
	"a start of two alone": "\xc3 ", "a start of three alone": "\xe2 ", "a start of four alone": "\xf0 ", "a start of five": "\xf8 ", "a start of six": "\xfc ",
	"three bytes short of one": "\xe2\x82", "four bytes short of one": "\xf0\x9f\x8e", "four bytes short of two": "\xf0\x9f",
	"an overlong slash of two": "\xc0\xaf", "an overlong slash of three": "\xe0\x80\xaf", "an overlong slash of four": "\xf0\x80\x80\xaf", "five bytes": "\xf8\x80\x80\x80\xaf", "six bytes": "\xfc\x80\x80\x80\x80\xaf",
	"the largest overlong of two": "\xc1\xbf", "the largest overlong of three": "\xe0\x9f\xbf", "the largest overlong of four": "\xf0\x8f\xbf\xbf", "an overlong zero": "\xc0\x80", "an overlong zero of three": "\xe0\x80\x80",
	"the first surrogate": "\xed\xa0\x80", "the last high surrogate": "\xed\xaf\xbf", "the first low surrogate": "\xed\xb0\x80", "the last surrogate": "\xed\xbf\xbf", "a pair of surrogates": "\xed\xa0\x80\xed\xb0\x80",
	"one beyond Unicode": "\xf4\x90\x80\x80", "far beyond Unicode": "\xf7\xbf\xbf\xbf", "FE": "\xfe", "FF": "\xff", "FE FF": "\xfe\xff", "Latin-1": "caf\xe9 ",
}

// utf8Cases: 8.1. A text that is not UTF-8 fails the connection, however it is cut.
func utf8Cases() (cases []wireCase) {
	for _, r := range []rune{0x20, 0x7f, 0x80, 0x7ff, 0x800, 0xfff, 0x1000, 0xcfff, 0xd000, 0xd7ff, 0xe000, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x1f388, 0x1fffe, 0x1ffff, 0x2fffe, 0xfffff, 0x100000, 0x10ffff} {
		text := words(string(r))
		cases = append(cases, wireCase{name: fmt.Sprintf("utf-8/%U", r), sent: piece(fin|opText, text)})
		if cut := strings.Index(text, string(r)) + 1; len(string(r)) > 1 {
			cases = append(cases, wireCase{name: fmt.Sprintf("utf-8/%U in two pieces", r), sent: slices.Concat(piece(opText, text[:cut]), piece(fin|opContinue, text[cut:]))})
		}
	}
	for name, bytes := range badUTF8 {
		text := words(bytes)
		cut := strings.Index(text, bytes) + 1
		cases = append(cases,
			wireCase{name: "L1 utf-8/" + name, sent: piece(fin|opText, text), closes: breaks1007},
			wireCase{name: "L1 utf-8/" + name + ", in pieces", sent: slices.Concat(piece(opText, text[:cut]), piece(fin|opPing, ""), piece(fin|opContinue, text[cut:])), closes: breaks1007},
			wireCase{name: "L1 utf-8/" + name + ", at the end", sent: piece(fin|opText, "x"+bytes), closes: breaks1007})
	}
	return cases
}
