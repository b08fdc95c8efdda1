package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// watch samples the proxy's resources during an attack.
type watch struct {
	target *target
	done   chan struct{}
	all    sync.WaitGroup

	rss, sockets, goroutines float64 // maxima of the samples
	probes, unready          float64 // of /readyz
	log                      int64
	begun                    time.Time
	took                     time.Duration
}

const sampleEvery = 250 * time.Millisecond

func (t *target) watch() *watch {
	w := &watch{target: t, done: make(chan struct{}), begun: time.Now(), log: size(t.log)}
	w.all.Go(func() {
		for n := 0; ; n++ {
			w.sample(n%4 == 0)
			select {
			case <-w.done:
				w.sample(true)
				return
			case <-time.After(sampleEvery):
			}
		}
	})
	return w
}

func (w *watch) sample(all bool) {
	w.rss = max(w.rss, w.target.status("VmHWM:")/1000)
	if !all {
		return
	}
	w.sockets = max(w.sockets, w.target.socketMemory())
	w.probes++
	if ok, _ := w.target.get("/readyz"); !ok {
		w.unready++
	}
	if n, ok := w.target.metric("go_goroutines"); ok {
		w.goroutines = max(w.goroutines, n)
	}
}

func (w *watch) stop() {
	w.took = time.Since(w.begun)
	close(w.done)
	w.all.Wait()
}

func (w *watch) into(figures map[string]float64) {
	figures[peakRSS], figures[socketMemory], figures[goroutinesPeak] = w.rss, w.sockets, w.goroutines
	figures[notReady] = 100 * w.unready / max(1, w.probes)
	figures[logRate] = float64(size(w.target.log)-w.log) / 1000 / w.took.Seconds()
}

// after waits until the proxy has released what the attackers held, and adds the
// figures of what is left.
func (t *target) after(ctx context.Context, figures map[string]float64, before int64, settle time.Duration) error {
	deadline := time.Now().Add(settle + 5*time.Second)
	for {
		figures[descriptorsLeft] = t.descriptors()
		n, ok := t.metric("go_goroutines")
		if !ok {
			n = 1e6
		}
		figures[goroutinesLeft] = n
		if (n < 120 && figures[descriptorsLeft] < 60) || time.Now().After(deadline) || !pause(ctx, sampleEvery) {
			break
		}
	}
	select {
	case <-t.exited:
		return fmt.Errorf("the proxy has exited: %s", t.logged())
	default:
	}
	kept, err := t.kept()
	figures[stored] = float64(kept-before)/1e6 - figures["uploads"]*uploadSize/1e6
	figures["secondsUntilQuiet"] = time.Until(deadline).Seconds()*-1 + settle.Seconds() + 5
	return err
}

// status returns a field of /proc/PID/status, in kB.
func (t *target) status(field string) float64 {
	content, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", t.pid))
	for line := range strings.Lines(string(content)) {
		if value, found := strings.CutPrefix(line, field); found {
			n, _ := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
			return n
		}
	}
	return 0
}

func (t *target) descriptors() float64 {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", t.pid))
	return float64(len(list))
}

var skmem = regexp.MustCompile(`skmem:\(r(\d+),rb\d+,t(\d+),tb\d+,f(\d+),w(\d+)`)

// socketMemory returns the kernel's memory for the proxy's ends of its public
// connections, in MB.
func (t *target) socketMemory() float64 {
	out, err := exec.Command("ss", "-tmnH", "sport", "=", ":"+strconv.Itoa(t.port())).Output()
	if err != nil {
		return 0
	}
	var total int
	for _, m := range skmem.FindAllStringSubmatch(string(out), -1) {
		for _, n := range []string{m[1], m[3], m[4]} { // t is within w
			bytes, _ := strconv.ParseUint(n, 10, 32)
			total += int(int32(bytes)) // the forward allocation f may be negative
		}
	}
	return float64(total) / 1e6
}

var admin = &http.Client{Timeout: 3 * time.Second}

func (t *target) get(path string) (ok bool, body string) {
	res, err := admin.Get(t.admin + path)
	if err != nil {
		return false, ""
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return err == nil && res.StatusCode == http.StatusOK, string(text)
}

func (t *target) metric(name string) (float64, bool) {
	_, body := t.get("/metrics")
	for line := range strings.Lines(body) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return n, err == nil
		}
	}
	return 0, false
}

// kept returns the number of bytes that the proxy has on disk.
func (t *target) kept() (total int64, err error) {
	err = filepath.WalkDir(t.data, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			total += size(path)
		}
		return nil // the file was removed meanwhile
	})
	return total, err
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// percentile is in milliseconds; 0 for an empty list.
func percentile(list []time.Duration, p int) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return float64(sorted[min(len(sorted)-1, len(sorted)*p/100)].Microseconds()) / 1000
}
