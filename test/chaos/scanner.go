package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"attache/test/chaos/bugs"
)

// scannerCommand is the first argument with which this program is a test double
// of ClamAV's daemon: a process that can be killed. It assumes, from clamd(8):
//
//  1. a command is "z", its name and a NUL, one on a connection;
//  2. INSTREAM is followed by chunks, each after its length in four bytes, big
//     endian, and an empty one ends them;
//  3. the answer is one text and a NUL.
//
// It finds the infections that the scenarios plant, and the canaries that a proxy
// sends at its start.
const scannerCommand = "scanner"

const scannerServes = "scanner serves"

// maxScan is larger than any file of a scenario.
const maxScan = 32 << 20

func runScanner(args []string) error {
	f := flag.NewFlagSet(scannerCommand, flag.ContinueOnError)
	address := f.String("listen", "", "host:port")
	if err := f.Parse(args); err != nil {
		return err
	}
	l, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	fmt.Println(scannerServes)
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			c.SetDeadline(time.Now().Add(startTime))
			answer(c)
		}()
	}
}

func answer(c net.Conn) {
	switch command, _ := readCommand(c); command {
	case "zPING":
		io.WriteString(c, "PONG\x00")
	case "zINSTREAM":
		if content, err := readStream(c); err == nil {
			if bytes.HasPrefix(content, []byte(slowMark)) {
				time.Sleep(slowScan)
			}
			io.WriteString(c, "stream: "+verdict(content)+"\x00")
		}
	}
}

func readCommand(r io.Reader) (string, error) {
	var command []byte
	for b := make([]byte, 1); len(command) < 32; {
		if _, err := io.ReadFull(r, b); err != nil {
			return "", err
		}
		if b[0] == 0 {
			return string(command), nil
		}
		command = append(command, b[0])
	}
	return "", errors.New("the command is too long")
}

func readStream(r io.Reader) ([]byte, error) {
	var content []byte
	for {
		var size uint32
		if err := binary.Read(r, binary.BigEndian, &size); err != nil {
			return nil, err
		}
		if size == 0 {
			return content, nil
		}
		if len(content)+int(size) > maxScan {
			return nil, errors.New("the stream is too long")
		}
		content = append(content, make([]byte, size)...)
		if _, err := io.ReadFull(r, content[len(content)-int(size):]); err != nil {
			return nil, err
		}
	}
}

// Files that begin with slowMark take slowScan, which is longer than the answer to an upload waits.
const (
	slowMark = "this one takes a while"
	slowScan = 1800 * time.Millisecond
)

// verdict finds the planted infection, the EICAR test file, and every zip, because
// only canaries are zips.
func verdict(content []byte) string {
	switch {
	case bytes.HasPrefix(content, []byte(bugs.Infected)):
		return "Planted FOUND"
	case bytes.Contains(content, []byte("-STANDARD-ANTIVIRUS-")):
		return "Eicar-Test-Signature FOUND"
	case bytes.HasPrefix(content, []byte("PK\x03\x04")):
		return "Heuristics.Limits.Exceeded FOUND"
	}
	return "OK"
}

// scanner returns a scanner that is not started yet, and its address.
func (l *lab) scanner(name string) (*process, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, "", err
	}
	return &process{
		name: name, path: self, args: []string{scannerCommand, "-listen", address}, ready: scannerServes,
		log: filepath.Join(l.dir, name+".log"),
	}, address, nil
}
