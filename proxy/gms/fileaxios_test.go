package gms_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/assembly"
	"attache/proxy/bayeux/bayeuxtest"
	"attache/proxy/gms"
)

// axios, which nobody here wrote, sees the code of a refusal although it sends more than sockets
// hold, and the file's id of an upload of that size.
func TestFileT3_AxiosSeesTheRefusal(t *testing.T) {
	t.Parallel()
	modules := bayeuxtest.Modules(t)
	if _, err := os.Stat(filepath.Join(modules, "axios")); err != nil {
		t.Skip("the package axios is not installed: npm ci --prefix web")
	}
	limits := bridge.VendorLimits()
	const size = 16 << 20
	limits.Types, limits.MaxFileSize, limits.MaxTotalSize = bridge.ParseTypes("bin"), size, size+size/2
	w := startWith(t, gms.Options{Files: gms.FileOptions{DrainTime: patience}}, lasting(time.Hour), func(o *assembly.Options) { o.Chat.CustomerLimits = &limits })
	c := w.request(url.Values{"nickname": {"Ann"}})
	upload := func(name string) (got struct {
		Status int
		Data   gms.Reply
	}) {
		in, err := json.Marshal(map[string]any{
			"url": c.filePath(), "name": name, "size": size,
			"fields": map[string]string{"userId": c.last.UserID, "secureKey": c.last.SecureKey, "alias": c.last.Alias},
		})
		require.NoError(t, err)
		out, err := exec.CommandContext(t.Context(), "node", "testdata/axios.mjs", modules, string(in)).Output()
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(out, &got), "%s", out)
		return got
	}
	refused := upload("a.exe")
	requireFileFault(t, gms.TypeRefused, refused.Data, refused.Status)
	sent := upload("a.bin")
	require.Equal(t, http.StatusOK, sent.Status)
	require.Equal(t, gms.StatusOK, sent.Data.StatusCode, sent.Data.Errors)
	require.NotEmpty(t, sent.Data.UserData["file-id"])
	over := upload("b.bin")
	requireFileFault(t, gms.TotalTooLarge, over.Data, over.Status)
}
