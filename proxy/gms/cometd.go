package gms

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"attache/bridge"
	"attache/proxy/bayeux"
)

// PathCometD is where CometD is, with and without what clients append to it.
const PathCometD = "/genesys/cometd"

// cometd serves the operations of a chat over Bayeux (bayeux.Server): a client publishes a data
// object with the name of an operation to /service/chatV2/{service}, and gets the same envelope
// as over REST on that channel, as the answer and whenever something is new.
//
//	{"operation":"requestChat","nickname":"Ann"}
//	{"operation":"sendMessage","message":"hello","secureKey":"…"}
//	{"operation":"requestNotifications","transcriptPosition":7,"secureKey":"…"}   of a new client
//
// The answer to an operation has no messages, because they are pushed; what a party says itself
// is pushed to it, too, as REST returns it.
type cometd struct {
	*bayeux.Server
	gms     *Server
	options CometD
	keys    *keySeal
	log     *slog.Logger

	ctx     context.Context // ends with close
	stop    context.CancelFunc
	running sync.WaitGroup

	mu         sync.Mutex
	clients    map[*bayeux.Client]map[string]*following // by seat
	background map[string]*following                    // parties whose client has gone to the background, by seat
}

func newCometD(s *Server, o CometD) (*cometd, error) {
	keys, err := newKeySeal(o.Secret)
	if err != nil {
		return nil, err
	}
	d := &cometd{
		gms: s, options: o.complete(), keys: keys, log: s.cfg.Log,
		clients: map[*bayeux.Client]map[string]*following{}, background: map[string]*following{},
	}
	d.ctx, d.stop = context.WithCancel(context.Background())
	d.Server = bayeux.New(bayeux.Options{
		Receive: d.receive, Gone: d.gone, Origin: s.allowsOrigin, Secure: s.proxy.Secure, Address: s.proxy.Address,
		Callback: o.Callback, Timeout: o.Timeout, MaxInterval: o.MaxInterval, MaxClients: o.MaxClients, Log: s.cfg.Log,
	})
	return d, nil
}

// close ends every client and waits for what follows chats.
func (d *cometd) close() {
	d.mu.Lock()
	d.stop()
	d.mu.Unlock()
	d.Server.Close()
	d.running.Wait()
}

const chatChannel = "/service/chatV2/"

// receive does an operation. Its failure is an answer like any other; the reply to the message
// itself only says that it was a message for us.
func (d *cometd) receive(ctx context.Context, c *bayeux.Client, m bayeux.Message) error {
	service, ok := strings.CutPrefix(m.Channel, chatChannel)
	if !ok || service == "" || strings.Contains(service, "/") {
		return errors.New("404:" + m.Channel + ":Publish to " + chatChannel + " and the name of the service")
	}
	call, name, err := callOf(m.Data)
	if err == nil {
		call.Service, call.Address, call.Header = service, c.Address, m.Header
		err = d.operate(ctx, c, m.Channel, name, call)
	}
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, bayeux.ErrGone) {
		return nil
	}
	reply, _ := d.gms.failed(ctx, err)
	return c.Reply(m.Channel, reply)
}

// cometdNames are the operations whose names differ from REST's.
var cometdNames = map[string]string{"sendMessage": "send"}

func (d *cometd) operate(ctx context.Context, c *bayeux.Client, channel, name string, call *Call) error {
	switch name {
	case "requestChat":
		return d.requestChat(ctx, c, channel, call)
	case "requestNotifications":
		return d.requestNotifications(ctx, c, channel, call)
	}
	if rest := cometdNames[name]; rest != "" {
		name = rest
	}
	op := operations[name]
	if op == nil || name == "refresh" {
		return unknownOperation()
	}
	if err := d.keys.identify(call); err != nil {
		return err
	}
	reply, err := d.gms.do(ctx, call, op)
	if err != nil {
		return err
	}
	return c.Reply(channel, d.keys.of(reply))
}

func unknownOperation() error {
	names := []string{"requestChat", "requestNotifications"}
	for name := range operations {
		if name != "refresh" && name != "send" {
			names = append(names, name)
		}
	}
	names = slices.AppendSeq(names, maps.Keys(cometdNames))
	slices.Sort(names)
	last := len(names) - 1
	err := bridge.NewError(bridge.CodeMessage, "the operation is unknown")
	err.Hint = "it is " + strings.Join(names[:last], ", ") + " or " + names[last]
	return err
}

// requestChat begins a chat, and pushes it from then on.
func (d *cometd) requestChat(ctx context.Context, c *bayeux.Client, channel string, call *Call) error {
	reply, err := d.gms.do(ctx, call, (*Server).requestChat)
	if err != nil {
		return err
	}
	call.ChatID, call.UserID, call.SecureKey = reply.ChatID, reply.UserID, reply.SecureKey
	if err := c.Reply(channel, d.keys.of(reply)); err != nil {
		return err
	}
	last := int64(0)
	for _, m := range reply.Messages {
		last = max(last, *m.Index)
	}
	return d.follow(c, channel, call, last+1, false)
}

// requestNotifications pushes a chat to a client that has not begun it: a new one, after a
// reload or a lost connection or the background. Position 0 or none asks for everything (seen in
// clients), unlike over REST. The answer is the first part of the transcript. A message or other
// parameters of the call count for nothing.
func (d *cometd) requestNotifications(ctx context.Context, c *bayeux.Client, channel string, call *Call) error {
	if err := d.keys.identify(call); err != nil {
		return err
	}
	if err := call.position(&d.gms.cfg, d.gms.cfg.CometZero); err != nil {
		return err
	}
	from := call.From
	call.From = 0
	// A refresh without a transcript: the key is checked within the rates, and counts as a request.
	reply, err := d.gms.do(ctx, call, (*Server).refresh)
	if code := bridge.CodeOf(err); code == bridge.CodeSessionEnded || code == bridge.CodeLoggedOut {
		return d.farewell(ctx, c, channel, call, from)
	}
	if err != nil {
		return err
	}
	if from == 0 { // by an option
		if err := c.Reply(channel, d.keys.of(reply)); err != nil {
			return err
		}
	}
	return d.follow(c, channel, call, from, from > 0)
}
