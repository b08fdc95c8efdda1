package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/user"
	"strings"
	"time"

	"attache/proxy/limits"
)

// limitsCommand reads and changes the limits of a running proxy.
type limitsCommand struct {
	Get limitsGet `cmd:"" help:"print the options and their revision"`
	Set limitsSet `cmd:"" help:"change options; every proxy on the same store follows at once"`
}

// adminFlags name the admin address of a proxy.
type adminFlags struct {
	Admin string `default:"http://127.0.0.1:8372" help:"admin address of the proxy, or of attache backend" placeholder:"URL"`
}

type limitsGet struct{ adminFlags }

type limitsSet struct {
	adminFlags
	By     string   `help:"person who makes the change, for the audit log; the user of this process if empty" placeholder:"NAME"`
	Option []string `arg:"" help:"NAME=VALUE, such as upload-max-files=5; -1 is no limit, 0 turns uploads off"`
}

// Run prints a line for each option.
func (c limitsGet) Run(s streams) error {
	body, err := c.request(context.Background(), http.MethodGet, nil, "")
	if err != nil {
		return err
	}
	return printLimits(s.out, body)
}

// Run reads the options, changes those that are named, and writes them back, unless another
// change has come in between.
func (c limitsSet) Run(s streams) error {
	if err := limits.CheckName(c.By); err != nil {
		return fmt.Errorf("--by %q: %w", c.By, err)
	}
	ctx := context.Background()
	body, err := c.request(ctx, http.MethodGet, nil, "")
	if err != nil {
		return err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(body.Limits, &values); err != nil {
		return fmt.Errorf("read the limits: %w", err)
	}
	var m mistakes
	seen := map[string]bool{}
	for _, option := range c.Option {
		name, text, ok := strings.Cut(strings.TrimLeft(option, "-"), "=")
		if !ok {
			m.add("%q has no value: write NAME=VALUE", option)
			continue
		}
		if seen[name] {
			m.add("%s is set twice: remove one", name)
		}
		seen[name] = true
		value, err := limits.Value(name, text)
		if err != nil {
			m.add("%w", err) // it names the option
		}
		values[name] = value
	}
	if err := m.err(); err != nil {
		return err
	}
	if body.Limits, err = json.Marshal(values); err != nil {
		return err
	}
	if c.By == "" {
		if u, err := user.Current(); err == nil {
			c.By = u.Username
		}
	}
	if body, err = c.request(ctx, http.MethodPut, &limits.Body{Revision: body.Revision, Limits: body.Limits}, c.By); err != nil {
		return err
	}
	return printLimits(s.out, body)
}

// printLimits prints a line NAME=VALUE for each option, as set takes it.
func printLimits(w io.Writer, b limits.Body) error {
	var values map[string]any
	d := json.NewDecoder(bytes.NewReader(b.Limits))
	d.UseNumber()
	if err := d.Decode(&values); err != nil {
		return fmt.Errorf("read the limits: %w", err)
	}
	for _, o := range limits.Options {
		if v, ok := values[o.Name]; ok {
			fmt.Fprintf(w, "%s=%v\n", o.Name, v)
		}
	}
	fmt.Fprintf(w, "revision %d, by %s at %s\n", b.Revision, b.By, b.At.Format(time.RFC3339))
	return nil
}

const adminTimeout = 30 * time.Second

// request sends one request to the admin address and returns the document in the response.
func (f adminFlags) request(ctx context.Context, method string, send *limits.Body, by string) (b limits.Body, err error) {
	if f.Admin == "" {
		return b, errors.New("there is no admin address: name it with --admin")
	}
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	var content bytes.Buffer
	if send != nil {
		if err := json.NewEncoder(&content).Encode(send); err != nil {
			return b, err
		}
	}
	base := f.Admin
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(base, "/")+limits.Path, &content)
	if err != nil {
		return b, fmt.Errorf("--admin %q: %w", f.Admin, err)
	}
	if send != nil {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("From", by)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return b, fmt.Errorf("ask the proxy: %w: check --admin, and that the proxy is running", err)
	}
	defer res.Body.Close()
	in, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return b, fmt.Errorf("ask the proxy: %w", err)
	}
	if res.StatusCode == http.StatusOK {
		return b, json.Unmarshal(in, &b)
	}
	var refused limits.Refusal
	if json.Unmarshal(in, &refused) != nil || len(refused.Errors) == 0 {
		return b, fmt.Errorf("the answer of %s is %s: check --admin", f.Admin, res.Status)
	}
	return b, fmt.Errorf("the proxy refuses: %w", limits.Mistakes(refused.Errors))
}
