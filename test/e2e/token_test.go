package e2e

import (
	"encoding/base64"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

const secret = "a secret of the end-to-end tests, long enough"

// mint makes a token as an application's server does.
func mint(t *testing.T, flags ...string) string {
	t.Helper()
	args := append([]string{"token", "--token-secret", secret, "--session", "tokens-1", "--user", "agent-7", "--nickname", "Kim"}, flags...)
	out, err := exec.Command(program, args...).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// expired returns the token with an expiry in the past.
func expired(t *testing.T, token string) string {
	t.Helper()
	claims := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(token, claims)
	require.NoError(t, err)
	claims["iat"] = time.Now().Add(-time.Hour).Unix()
	claims["exp"] = time.Now().Add(-2 * time.Minute).Unix()
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
	require.NoError(t, err)
	return signed
}

// serving is the proxy for real pages, and an empty one on another origin.
func serving(t *testing.T) (*page, *command) {
	t.Helper()
	h := startHost(t)
	c := startCommand(t, "serve", "--admin", "", "--origin", h.origin(), "--token-secret", secret, "--scanner", "off")
	h.proxy = c.origin()
	p := newPage(t)
	p.open(h.origin() + "/bare")
	return p, c
}

const connectWith = `async (tokens, url) => {
	const { connect } = await e2e.api();
	return e2e.rejection(async () => {
		const session = await connect({ url, token: tokens.length > 1 ? () => tokens.shift() : tokens[0] });
		await session.close();
	});
}`

func TestT4TokensAreChecked(t *testing.T) {
	t.Parallel()
	p, c := serving(t)
	p.expect("the proxy refused the token|the token is an empty string|text that is not a token")
	good := mint(t)
	expired := expired(t, good)
	header, rest, _ := strings.Cut(good, ".")
	claims, signature, _ := strings.Cut(rest, ".")
	other := mint(t, "--user", "somebody-else")
	_, otherRest, _ := strings.Cut(other, ".")
	otherClaims, _, _ := strings.Cut(otherRest, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))

	for _, test := range []struct {
		name   string
		tokens []string
		code   string // empty: it connects
	}{
		{"good", []string{good}, ""},
		{"expired", []string{expired}, "token-expired"},
		{"expired, and then a good one", []string{expired, good}, ""},
		{"of another secret", []string{mint(t, "--token-secret", secret+"?")}, "token-invalid"},
		{"another's claims under this signature", []string{header + "." + otherClaims + "." + signature}, "token-invalid"},
		{"without an algorithm", []string{none + "." + claims + "."}, "token-invalid"},
		{"without a signature", []string{header + "." + claims + "."}, "token-invalid"},
		{"garbage", []string{"garbage"}, "token-invalid"},
		{"empty", []string{""}, "token-invalid"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ask[rejection](p, connectWith, test.tokens, c.origin())
			if test.code == "" {
				require.True(t, got.Resolved, "%+v", got)
				return
			}
			require.True(t, got.Ours, "%+v", got)
			require.Equal(t, test.code, got.Code)
			if token := test.tokens[0]; token != "" {
				require.NotContains(t, got.Message+got.Hint, token)
			}
		})
	}
}

// B39: a token of the same user with another nickname renames the party. For the other
// side no party leaves or joins.
func TestB39ANewNicknameIsARename(t *testing.T) {
	t.Parallel()
	p, c := serving(t)
	type renamed struct {
		Own, Said string
		Heard     []string
	}
	got := ask[renamed](p, `async (tokens, peer, url) => {
		const { connect } = await e2e.api();
		const other = await connect({ url, token: peer });
		const session = await connect({ url, token: () => tokens.length > 1 ? tokens.shift() : tokens[0] });
		await e2e.until(() => other.transcript.length === 2, 'both to be there');
		const heard = [];
		for (const type of ['join', 'leave', 'nickname']) {
			other.addEventListener(type, ({ detail }) => heard.push([type, detail.nickname, detail.from.nickname].join(' ')));
		}
		e2e.cut();
		await e2e.until(() => session.state === 'reconnecting', 'the page to notice');
		const message = new Promise((resolve) => { other.addEventListener('message', ({ detail }) => resolve(detail.from.nickname)); });
		await session.send('it is me');
		const got = { said: await message, own: session.party.nickname, heard: [...heard] };
		await Promise.all([session.close(), other.close()]);
		return got;
	}`, []string{mint(t), mint(t, "--nickname", "Kim L.")}, mint(t, "--user", "bo"), c.origin())
	require.Equal(t, renamed{Own: "Kim L.", Said: "Kim L.", Heard: []string{"nickname Kim L. Kim L."}}, got)
}

func TestTokenOpensNoMoreThanItsRights(t *testing.T) {
	t.Parallel()
	p, c := serving(t)
	for _, test := range []struct{ name, right, call string }{
		{"no upload", "chat", `session.upload(new File(['x'], 'x.txt'))`},
		{"no upload of a standard response", "upload:file-system", `session.upload(new File(['x'], 'x.txt'), { uploadType: 'standard-response' })`},
		{"no chat", "download", `session.send('hello')`},
		{"no download", "chat", `session.download('1')`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ask[rejection](p, `async (token, url, call) => {
				const { connect } = await e2e.api();
				const session = await connect({ url, token });
				const answer = await e2e.rejection(() => call(session));
				await session.close();
				return answer;
			}`, mint(t, "--right", test.right), c.origin(), raw("(session) => "+test.call))
			require.True(t, got.Ours, "%+v", got)
			require.Equal(t, "forbidden", got.Code)
		})
	}
}
