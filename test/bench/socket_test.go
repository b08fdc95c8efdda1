package main

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// This process and its child both hold the listening socket, as the demo's two do.
func TestServedBy_RefusesTheParentOfTheProcessThatServes(t *testing.T) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer l.Close()
	socket, err := l.File()
	require.NoError(t, err)
	defer socket.Close()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childServes+"=1")
	child.ExtraFiles = []*os.File{socket}
	require.NoError(t, child.Start())
	defer child.Wait()
	defer child.Process.Kill()

	address := "http://" + l.Addr().String()
	require.NoError(t, servedBy(t.Context(), address, child.Process.Pid))
	require.ErrorIs(t, servedBy(t.Context(), address, os.Getpid()), errOtherProcess)
}

func TestContest_RefusesAContenderWhoseServerIsAnotherProcess(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	_, err := new(lab).contest(t.Context(), 1, []contender{{name: "x", address: s.URL, server: os.Getppid()}})
	require.ErrorIs(t, err, errOtherProcess)
}

// The processor time and the memory of the rows are those of the processes that do the
// work, with each store and after a crash.
func TestProduct_MeasuresTheProcessThatServes(t *testing.T) {
	for _, store := range []string{files, objects} {
		t.Run(store, func(t *testing.T) {
			l := &lab{log: slog.New(slog.DiscardHandler), dir: t.TempDir(), store: store}
			p, err := l.startProduct(t.Context())
			require.NoError(t, err)
			defer p.stop()
			s, err := p.openStock(mib)
			require.NoError(t, err)
			defer s.close()

			// 8 MiB take several ticks of any processor: at least to unmask, check and hash them.
			before := groupTime(p.group())
			require.NoError(t, s.fill(t.Context(), 8))
			require.Greater(t, groupTime(p.group()), before)

			require.NoError(t, s.sendAcross(t.Context(), func() error {
				_, err := p.restart(t.Context())
				return err
			}))
			require.NoError(t, s.verify(t.Context()))
			require.NoError(t, p.check(t.Context()))
			bytes, err := resident(p.proxy.Pid)
			require.NoError(t, err)
			require.Greater(t, bytes, float64(16*mib))

			other, err := l.startProduct(t.Context())
			require.NoError(t, err)
			defer other.stop()
			p.proxy, other.proxy = other.proxy, p.proxy
			require.ErrorIs(t, p.check(t.Context()), errOtherProcess)
			p.proxy, other.proxy = other.proxy, p.proxy
		})
	}
}

func TestInodeOf(t *testing.T) {
	// The kernel writes an address as a number in its own byte order: these two read the
	// same in both.
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 01010101:1F90 02020202:D431 01 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 20 4 0 10 -1
   1: 01010101:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
`
	local, remote := netip.MustParseAddrPort("1.1.1.1:8080"), netip.MustParseAddrPort("2.2.2.2:54321")
	inode, err := inodeOf(table, local, remote)
	require.NoError(t, err)
	require.Equal(t, "4711", inode)
	_, err = inodeOf(table, remote, local)
	require.Error(t, err, "the client's end")
	_, err = inodeOf("", local, remote)
	require.Error(t, err)
}

func TestHashing_NamesTheExtensionOfTheProcessor(t *testing.T) {
	for _, c := range []struct{ name, cpuinfo, want string }{
		{"amd64 with it", "processor\t: 0\nflags\t\t: fpu aes sha_ni vaes\n", "with SHA extensions (sha_ni)"},
		{"amd64 without it", "flags\t\t: fpu aes sha_nix\nbugs\t\t: sha_ni\n", "without SHA extensions"},
		{"arm64 with it", "Features\t: fp asimd sha1 sha2 crc32\n", "with SHA extensions (sha2)"},
		{"arm64 with SHA-1 only", "Features\t: fp asimd sha1 crc32\n", "without SHA extensions"},
		{"nothing is known", "", "without SHA extensions"},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, hashing(c.cpuinfo)) })
	}
}
