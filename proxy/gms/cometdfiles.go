package gms

import (
	"context"
	"net/http"

	"attache/bridge"
	"attache/proxy/bayeux"
)

// PathCometDFiles is where clients of CometD do what concerns files, because Bayeux has no
// bytes. The path names neither the service nor the chat (seen in the vendor's libraries):
//
//	operation=fileGetLimits&secureKey=…
//	operation=fileDownload&fileId=…&secureKey=…
const PathCometDFiles = "/genesys/2/chat-ntf"

const (
	uploadOperation   = "fileUpload"
	downloadOperation = "fileDownload"
)

// fileOperations are the others, whose answer is an envelope and whose request has no file.
var fileOperations = map[string]operation{
	"fileGetLimits":  (*Server).fileLimits, // seen in the vendor's Java library
	"fileGetsLimits": (*Server).fileLimits, // seen in its iOS library
	"fileDelete":     (*Server).deleteFile,
}

// serveFiles does an operation on files. It is named by a parameter, as is the party by its
// secure key, and either may come after the file; the iOS library's upload names no operation.
func (d *cometd) serveFiles(w http.ResponseWriter, r *http.Request) {
	u := d.gms.newUpload(w, r)
	defer u.close()
	u.identify = func(c *Call) error { return d.identifyFile(r, c) }
	u.form.check = uploads
	err := d.hasBrowser(r, func(*bayeux.Client) bool { return true }) // before a file is spooled
	if err == nil {
		err = u.open(r)
	}
	if err != nil {
		u.answer(w, r, Reply{}, err)
		return
	}
	c := u.form.call
	name := c.Params["operation"]
	op := fileOperations[name]
	var reply Reply
	switch hasFile := u.form.file != nil; {
	case name == uploadOperation, name == "" && hasFile:
		reply, err = u.run(r.Context())
	case op == nil && name != downloadOperation:
		err = unknownFileOperation()
	case hasFile:
		err = refused("the request has a file, and its operation is "+name, "send the file with the operation fileUpload")
	case name == downloadOperation:
		u.drain(w)
		d.gms.ServeDownload(w, r, c, u.identify)
		return
	default:
		reply, err = d.doFile(r, c, op)
	}
	u.answer(w, r, d.keys.of(reply), err)
}

func (d *cometd) doFile(r *http.Request, c *Call, op operation) (Reply, error) {
	ctx, cancel := context.WithTimeout(r.Context(), requestTime)
	defer cancel()
	return d.gms.do(ctx, c, func(s *Server, ctx context.Context, c *Call) (Reply, error) {
		if err := c.position(&s.cfg, s.cfg.RestZero); err != nil {
			return Reply{}, err
		}
		if err := d.identifyFile(r, c); err != nil {
			return Reply{}, err
		}
		return op(s, ctx, c)
	})
}

// uploads refuses a request with a file whose parameters after it name another operation.
func uploads(c *Call) error {
	if name := c.Params["operation"]; name != "" && name != uploadOperation {
		return refused("the request has a file, and its operation is not fileUpload", "send no file with other operations")
	}
	return nil
}

func unknownFileOperation() error {
	err := bridge.NewError(bridge.CodeMessage, "the operation is unknown")
	err.Hint = "it is fileUpload, fileGetLimits, fileDownload or fileDelete"
	return err
}

// identifyFile completes a call by its secure key. The call stays as it is if that fails, because
// more of its parameters may follow.
func (d *cometd) identifyFile(r *http.Request, c *Call) error {
	named := *c
	named.ChatID, named.FileID = c.Params["chatId"], c.Params["fileId"]
	if err := d.keys.identify(&named); err != nil {
		return err
	}
	if err := d.hasBrowser(r, func(client *bayeux.Client) bool { return d.has(client, named.user()) }); err != nil {
		return err
	}
	*c = named
	return nil
}

// hasBrowser refuses a request without the cookie of a client for which is returns true, if
// cookies are required.
func (d *cometd) hasBrowser(r *http.Request, is func(*bayeux.Client) bool) error {
	if !d.options.RequireCookie || d.Browser(r, is) {
		return nil
	}
	return refuse(http.StatusUnauthorized, "the request has not the cookie BAYEUX_BROWSER of a CometD client that has the chat",
		"send it with credentials, to the proxy of that client")
}
