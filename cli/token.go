package cli

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/token"
)

// tokenCommand issues a token as an application would, to try things out.
type tokenCommand struct {
	tokenSecret
	Session  string   `required:"" help:"id of the chat session" placeholder:"ID"`
	User     string   `required:"" help:"user id of the party" placeholder:"ID"`
	Nickname string   `help:"the party's name in the chat" placeholder:"NAME"`
	Type     string   `default:"AGENT" enum:"CLIENT,AGENT,SUPERVISOR,EXTERNAL,SYSTEM" help:"user type: ${enum}"`
	Right    []string `default:"chat,upload:file-system,upload:standard-response,download" enum:"chat,upload:file-system,upload:standard-response,download,transcript:all,transcript:internal,transcript:customer" help:"what the party may do; repeat it for more"`

	Visibility    string            `default:"ALL" enum:"ALL,INT,VIP" help:"which parties see it: ALL, INT hides it from customers, VIP from agents too" group:"join"`
	ClientVersion int64             `default:"106" help:"highest version of the chat protocol that the page may get, from 101; 0 leaves it to the page" group:"join"`
	PersonID      string            `help:"employee id of the person" group:"join" placeholder:"ID"`
	TimeZone      int64             `help:"minutes east of UTC" group:"join"`
	UserData      map[string]string `mapsep:"none" help:"key and value of the userData to join with; repeat it for more" group:"join" placeholder:"KEY=VALUE"`
	QueueKey      string            `help:"where to route a new session, as tenant:endpoint" group:"join" placeholder:"KEY"`
	Subject       string            `help:"subject of a new session" group:"join" placeholder:"TEXT"`
	Password      string            `help:"password of the session, for the option session-password-enforce" group:"join" placeholder:"TEXT"`
	SecureKey     string            `help:"secure key of a party that another program has registered: the page attaches as it" group:"join" placeholder:"KEY"`

	Life time.Duration `default:"1h" help:"how long the token is valid"`
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
	party := identity.Party
	if v := party.ClientVersion; v != 0 && (v < bridge.VersionDefault || v > bridge.VersionCurrent) {
		m.add("--client-version=%d: give %d to %d, or 0", v, bridge.VersionDefault, bridge.VersionCurrent)
		party.ClientVersion = 0
	}
	m.addError("--user, --nickname:", party.Check())
	join := identity.Join
	join.Party = bridge.Party{UserID: "any", UserType: bridge.External}
	if _, err := join.Prepared(); err != nil {
		m.add("--user-data, --queue-key, --subject, --password, --secure-key: %w", err)
	}
	return m
}

// Run prints the token.
func (c tokenCommand) Run(s streams) error {
	identity := proxy.Identity{
		Session: c.Session,
		Party: bridge.Party{
			UserID: c.User, Nickname: c.Nickname, UserType: bridge.UserType(c.Type),
			Visibility: bridge.Visibility(c.Visibility), ClientVersion: c.ClientVersion,
			UserInfo: bridge.UserInfo{PersonID: c.PersonID, TimeZoneOffset: c.TimeZone},
		},
		Join:    proxy.Joining{QueueKey: c.QueueKey, Subject: c.Subject, Password: c.Password, SecureKey: c.SecureKey},
		Expires: time.Now().Add(c.Life),
	}
	for _, key := range slices.Sorted(maps.Keys(c.UserData)) {
		identity.Join.UserData = identity.Join.UserData.Set(bridge.Text(key, c.UserData[key]))
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
