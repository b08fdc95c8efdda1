package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"attache/test/harness"
)

// nodeCommand is the first argument that makes this program a NATS node, alone or of a
// cluster: a process that can be killed.
const nodeCommand = "node"

// runNode serves until a signal comes.
func runNode(args []string) error {
	f := flag.NewFlagSet(nodeCommand, flag.ContinueOnError)
	name := f.String("name", "", "name of the node")
	dir := f.String("data", "", "directory for JetStream")
	client := f.String("client", "", "address for clients")
	route := f.String("route", "", "address for the other nodes; empty: there are none")
	routes := f.String("routes", "", "route addresses of all nodes, separated by commas")
	if err := f.Parse(args); err != nil {
		return err
	}
	o := &server.Options{
		ServerName: *name, JetStream: true, StoreDir: *dir, NoSigs: true, NoLog: true, SyncAlways: true,
	}
	var err error
	if o.Host, o.Port, err = hostPort(*client); err != nil {
		return err
	}
	if *route != "" {
		o.Cluster.Name = "chaos"
		if o.Cluster.Host, o.Cluster.Port, err = hostPort(*route); err != nil {
			return err
		}
		for r := range strings.SplitSeq(*routes, ",") {
			o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: r})
		}
	}
	return harness.ServeNode(o)
}

func hostPort(address string) (string, int, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.Atoi(text)
	return host, port, err
}

// node returns a NATS node that is not started yet, with those further arguments, and
// its URL for clients.
func (l *lab) node(name, dir string, args ...string) (*process, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	client, err := freeAddress()
	if err != nil {
		return nil, "", err
	}
	return &process{
		name: name, path: self, ready: harness.NodeServes, log: filepath.Join(l.dir, name+".log"), first: true,
		args: append([]string{nodeCommand, "-name", name, "-data", dir, "-client", client}, args...),
	}, "nats://" + client, nil
}

// nodes starts three nodes and returns the URLs for clients.
func (l *lab) nodes(ctx context.Context) (all []*process, urls string, err error) {
	var clients, routes []string
	for range 3 {
		route, err := freeAddress()
		if err != nil {
			return nil, "", err
		}
		routes = append(routes, route)
	}
	for n := range 3 {
		name := fmt.Sprint("node", n)
		dir, err := l.sub(name)
		if err != nil {
			return all, "", err
		}
		p, client, err := l.node(name, dir, "-route", routes[n], "-routes", strings.Join(routes, ","))
		if err != nil {
			return all, "", err
		}
		all, clients = append(all, p), append(clients, client)
		if err := p.start(ctx); err != nil {
			return all, "", err
		}
	}
	return all, strings.Join(clients, ","), nil
}

// insist starts the process until it serves, as a supervisor does, because a proxy
// whose cluster has no quorum exits.
func (p *process) insist(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*startTime)
	defer cancel()
	for {
		err := p.start(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		p.kill()
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}
