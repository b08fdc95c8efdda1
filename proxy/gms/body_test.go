package gms_test

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/gms"
)

// A body of whatever form, and however it is labelled, has the same parameters.
func TestTrap11_BodiesAreReadByWhatTheyAre(t *testing.T) {
	t.Parallel()
	parts := func(eol string, fields ...string) string {
		var b strings.Builder
		for _, f := range fields {
			name, value, _ := strings.Cut(f, "=")
			b.WriteString("--XyZ" + eol + `Content-Disposition: form-data; name="` + name + `"` + eol + eol + value + eol)
		}
		return b.String() + "--XyZ--" + eol
	}
	fields := []string{"userId=u", "secureKey=k+/=", "alias=117", "message=a b", "userData[k]=v", "userData[l]=ä"}
	const form = "application/x-www-form-urlencoded"
	for name, tc := range map[string]struct{ contentType, body string }{
		"a form":                         {form, "userId=u&secureKey=k%2B%2F%3D&alias=117&message=a+b&userData%5Bk%5D=v&userData[l]=%C3%A4"},
		"a form in another order":        {form + "; charset=UTF-8", "userData%5bl%5d=%c3%a4&userData[k]=v&message=a%20b&alias=117&secureKey=k%2b/%3d&userId=u"},
		"a form without a type":          {"", "userId=u&secureKey=k%2B/=&alias=117&message=a+b&userData[k]=v&userData[l]=ä"},
		"a form with a BOM and an end":   {"text/plain", "\xef\xbb\xbfuserId=u&secureKey=k%2B/=&alias=117&message=a+b&userData[k]=v&userData[l]=ä\r\n"},
		"a form called JSON's other":     {"text/plain;charset=UTF-8", "userid=u&SecureKey=k%2B/=&ALIAS=117&Message=a+b&userdata[k]=v&UserData[l]=ä"},
		"a key that is repeated":         {form, "userId=x&userId=u&secureKey=k%2B/=&alias=117&message=a+b&userData[k]=w&userData[k]=v&userData[l]=ä"},
		"multipart":                      {"multipart/form-data; boundary=XyZ", parts("\r\n", fields...)},
		"multipart with a quoted one":    {`multipart/form-data; boundary="XyZ"`, parts("\r\n", fields...)},
		"multipart with line feeds":      {"multipart/form-data; boundary=XyZ", parts("\n", fields...)},
		"multipart with a preamble":      {"multipart/form-data; boundary=XyZ", "hello\r\n" + parts("\r\n", fields...)},
		"multipart called a form":        {form, parts("\r\n", fields...)},
		"multipart without a type":       {"", parts("\r\n", fields...)},
		"multipart, boundary in body":    {"multipart/form-data", parts("\r\n", fields...)},
		"multipart, another boundary":    {"multipart/form-data; boundary=other", parts("\r\n", fields...)},
		"multipart, JSON for user data":  {"", parts("\r\n", "userId=u", "secureKey=k+/=", "alias=117", "message=a b", `userData={"k":"v","l":"ä"}`)},
		"multipart with a file before":   {"", strings.Replace(parts("\r\n", append([]string{"file=bytes"}, fields...)...), `name="file"`, `name="file"; filename="x.txt"`, 1)},
		"JSON":                           {"application/json", `{"userId":"u","secureKey":"k+/=","alias":117,"message":"a b","userData":{"k":"v","l":"ä"}}`},
		"JSON called a form":             {form, ` {"alias":"117","userData[k]":"v","userData":{"l":"\u00e4"},"userId":"u","secureKey":"k+/=","message":"a b"}`},
		"JSON with null and a BOM":       {"", "\xef\xbb\xbf{\"USERID\":\"u\",\"secureKey\":\"k+/=\",\"alias\":117,\"message\":\"a b\",\"userData\":{\"k\":\"v\",\"l\":\"ä\",\"m\":null}}\r\n"},
		"an escape that is none":         {form, "userId=u&secureKey=k%2B/=&alias=117&message=a+b&userData[k]=v&userData[l]=%C3%A4&%zz=%&&"},
		"a nickname with a percent sign": {form, "userId=u&secureKey=k%2B/=&alias=117&message=a+b&userData[k]=v&userData[l]=ä&nickname=100%"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader(tc.body))
			r.Header.Set("Content-Type", tc.contentType)
			c, _, err := gms.ReadCall(r)
			require.NoError(t, err)
			require.Equal(t, []string{"u", "k+/=", "117", "a b"}, []string{c.UserID, c.SecureKey, c.Alias, c.Params["message"]})
			require.Len(t, c.UserData, 2)
			require.Equal(t, []string{"v", "ä"}, []string{c.UserData.Get("k"), c.UserData.Get("l")})
		})
	}
}

func TestTrap11_NestedUserData(t *testing.T) {
	t.Parallel()
	want := bridge.Data{bridge.List("a", bridge.Data{bridge.Text("b", "1"), bridge.Text("c", "true")}), bridge.Text("d", "x")}
	for _, body := range []string{
		"userData[a][b]=1&userData[a][c]=true&userData[d][]=x",
		`{"userData":{"a":{"b":1,"c":true},"d":["x"]}}`,
	} {
		c, _, err := gms.ReadCall(httptest.NewRequest("POST", "/", strings.NewReader(body)))
		require.NoError(t, err)
		require.Equal(t, want, c.UserData)
	}
}

// A member without a name hides no parameters.
func TestTrap11_NamelessMember(t *testing.T) {
	t.Parallel()
	c, _, err := gms.ReadCall(httptest.NewRequest("POST", "/", strings.NewReader(`{"userId":"u","":{"userId":"v"}}`)))
	require.NoError(t, err)
	require.Equal(t, "u", c.UserID)
}

// Hostile and broken bodies get a clear answer, and cost bounded memory.
func TestTrap11_BrokenBodies(t *testing.T) {
	t.Parallel()
	const head = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n"
	for name, body := range map[string]string{
		"10,000 header lines":      head + strings.Repeat("X-A: b\r\n", 10_000) + "\r\nv\r\n--B--\r\n",
		"20,000 longer ones":       head + strings.Repeat("X-A: bbbbbbbb\r\n", 20_000) + "\r\nv\r\n--B--\r\n",
		"10,000 parts":             strings.Repeat(head+"\r\nv\r\n", 10_000) + "--B--\r\n",
		"no final boundary":        head + "\r\nv\r\n",
		"a part that is cut":       head + "\r\nv",
		"headers that are cut":     head,
		"a header that is none":    "--B\r\nno header\r\n\r\nv\r\n--B--\r\n",
		"a file that is cut":       "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nbytes",
		"a form of 10,000":         strings.Repeat("a=b&", 10_000),
		"JSON that is an array":    `{"a":1}{"b":2}`,
		"JSON of deep objects":     strings.Repeat(`{"a":`, 10_000),
		"JSON without its bracket": `{"a":1`,
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := gms.ReadCall(httptest.NewRequest("POST", "/", strings.NewReader(body)))
			require.Error(t, err)
		})
	}
}

// FuzzBody reads any body as each form. Reading ends, and what is read is within the bounds.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		"userId=u&userData%5Bk%5D=v&%zz", `{"userData":{"a":{"b":[1,null,true]}}}`, "\xef\xbb\xbf{}",
		"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nbytes\r\n--B--\r\n",
		"--B\nContent-Disposition: form-data; name=userData[x]\n\nv\n--B--", "--\r\n\r\n", "userData[[]]]=x&userData[]=y",
	} {
		for _, kind := range []string{"", "application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=B", "multipart/form-data"} {
			f.Add(kind, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", kind)
		c, files, err := gms.ReadCall(r)
		if files > int64(len(body)) {
			t.Fatalf("%d bytes of files in a body of %d", files, len(body))
		}
		if err != nil {
			return
		}
		if len(c.Params) > 1000 || len(c.UserData) > 1000 {
			t.Fatal("more parameters than the bound")
		}
		c.UserData.Check() // must not panic on what was nested
	})
}
