package cli

import (
	"fmt"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/token"
)

// mint makes a token as an application would, for trying things out.
type mint struct {
	secretFlags
	Session  string        `required:"" help:"id of the chat session"`
	User     string        `required:"" help:"user id of the party"`
	Nickname string        `help:"its name in the chat"`
	Type     string        `default:"AGENT" enum:"CLIENT,AGENT,SUPERVISOR,EXTERNAL,SYSTEM" help:"user type: ${enum}"`
	Right    []string      `default:"chat,upload:file-system,upload:standard-response,download" enum:"chat,upload:file-system,upload:standard-response,download" help:"what it may do; repeat it for more"`
	Life     time.Duration `default:"1h" help:"how long the token is valid"`
}

func (m mint) mistakes(secret []byte, err error, who proxy.Identity) (found mistakes) {
	if err == nil && len(secret) == 0 {
		found.add("which secret does the proxy know? give --token-secret-file")
	} else {
		found.secret(m.flag(), secret, err)
	}
	if !bridge.ValidSession(m.Session) {
		found.add("--session %q: %s", m.Session, bridge.CodeSessionInvalid.Rule().Hint)
	}
	found.addError("--user, --nickname:", who.Party.Check())
	return found
}

// Run prints the token.
func (m mint) Run(s streams) error {
	who := proxy.Identity{
		Session: m.Session,
		Party:   bridge.Party{UserID: m.User, Nickname: m.Nickname, UserType: bridge.UserType(m.Type)},
		Expires: time.Now().Add(m.Life),
	}
	for _, r := range m.Right {
		who.Rights = append(who.Rights, bridge.Right(r))
	}
	secret, err := m.secret()
	if err := m.mistakes(secret, err, who).err(); err != nil {
		return err
	}
	auth, err := token.NewAuthenticator(token.Secret(secret))
	if err != nil {
		return err
	}
	signed, err := auth.Mint(who)
	if err != nil {
		return err
	}
	if m.Life <= 0 {
		// Who tries how a page takes it means it so.
		fmt.Fprintf(s.log, "attache: by --life=%s this token has expired already\n", m.Life)
	}
	fmt.Fprintln(s.out, signed)
	return nil
}
