package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// nodeCommand is the first argument that makes this program one node of a NATS
// cluster: a process that can be killed.
const nodeCommand = "node"

// runNode serves until a signal comes.
func runNode(args []string) error {
	f := flag.NewFlagSet(nodeCommand, flag.ContinueOnError)
	name := f.String("name", "", "name of the node")
	dir := f.String("data", "", "directory for JetStream")
	client := f.String("client", "", "address for clients")
	route := f.String("route", "", "address for the other nodes")
	routes := f.String("routes", "", "route addresses of all nodes, separated by commas")
	if err := f.Parse(args); err != nil {
		return err
	}
	o := &server.Options{
		ServerName: *name, JetStream: true, StoreDir: *dir, NoSigs: true, NoLog: true, SyncAlways: true,
		Cluster: server.ClusterOpts{Name: "chaos"},
	}
	var err error
	if o.Host, o.Port, err = hostPort(*client); err != nil {
		return err
	}
	if o.Cluster.Host, o.Cluster.Port, err = hostPort(*route); err != nil {
		return err
	}
	for _, r := range strings.Split(*routes, ",") {
		o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: r})
	}
	s, err := server.NewServer(o)
	if err != nil {
		return fmt.Errorf("prepare the node: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(startTime) {
		return errors.New("the node did not become ready")
	}
	fmt.Println(nodeServes)
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, os.Interrupt, syscall.SIGTERM)
	<-ended
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}

const nodeServes = "node serves"

func hostPort(address string) (string, int, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.Atoi(text)
	return host, port, err
}

// nodes starts three nodes and returns the URLs for clients.
func (l *lab) nodes(ctx context.Context) (all []*process, urls string, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	var clients, routes []string
	for range 3 {
		client, err := freeAddress()
		if err != nil {
			return nil, "", err
		}
		route, err := freeAddress()
		if err != nil {
			return nil, "", err
		}
		clients, routes = append(clients, "nats://"+client), append(routes, route)
	}
	for n := range 3 {
		name := fmt.Sprint("node", n)
		dir, err := l.sub(name)
		if err != nil {
			return all, "", err
		}
		p := &process{
			name: name, path: self, ready: nodeServes, log: filepath.Join(l.dir, name+".log"),
			args: []string{
				nodeCommand, "-name", name, "-data", dir, "-client", strings.TrimPrefix(clients[n], "nats://"),
				"-route", routes[n], "-routes", strings.Join(routes, ","),
			},
		}
		all = append(all, p)
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
