package cli

import (
	"fmt"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/token"
)

// tokenCommand issues a token as an application would, to try things out.
type tokenCommand struct {
	tokenSecret
	Session  string        `required:"" help:"id of the chat session" placeholder:"ID"`
	User     string        `required:"" help:"user id of the party" placeholder:"ID"`
	Nickname string        `help:"the party's name in the chat" placeholder:"NAME"`
	Type     string        `default:"AGENT" enum:"CLIENT,AGENT,SUPERVISOR,EXTERNAL,SYSTEM" help:"user type: ${enum}"`
	Right    []string      `default:"chat,upload:file-system,upload:standard-response,download" enum:"chat,upload:file-system,upload:standard-response,download" help:"what the party may do; repeat it for more"`
	Life     time.Duration `default:"1h" help:"how long the token is valid"`
}

func (c tokenCommand) mistakes(secret []byte, err error, identity proxy.Identity) (m mistakes) {
	if err == nil && len(secret) == 0 {
		m.add("no secret to sign with: give the proxy's --token-secret-file")
	} else {
		m.secret(c.flag(), secret, err)
	}
	if !bridge.ValidSession(c.Session) {
		m.add("--session %q: %s", c.Session, bridge.CodeSessionInvalid.Rule().Hint)
	}
	m.addError("--user, --nickname:", identity.Party.Check())
	return m
}

// Run prints the token.
func (c tokenCommand) Run(s streams) error {
	identity := proxy.Identity{
		Session: c.Session,
		Party:   bridge.Party{UserID: c.User, Nickname: c.Nickname, UserType: bridge.UserType(c.Type)},
		Expires: time.Now().Add(c.Life),
	}
	for _, r := range c.Right {
		identity.Rights = append(identity.Rights, bridge.Right(r))
	}
	secret, err := c.tokenSecret.read()
	if err := c.mistakes(secret, err, identity).err(); err != nil {
		return err
	}
	auth, err := token.NewAuthenticator(token.Secret(secret))
	if err != nil {
		return err
	}
	signed, err := auth.Mint(identity)
	if err != nil {
		return err
	}
	if c.Life <= 0 {
		// An expired token is useful for trying how a page reacts.
		fmt.Fprintf(s.log, "attache: this token has already expired, because of --life=%s\n", c.Life)
	}
	fmt.Fprintln(s.out, signed)
	return nil
}
