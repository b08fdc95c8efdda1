package bridge_test

import (
	"math"
	"strconv"
	"testing"

	"attache/bridge"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type limitVectors struct {
	Checks []struct {
		Name, Limits, File string
		Size               int64
		Code               bridge.Code
		Message            string
	}
	Impossible []struct {
		Name, Size string
		Code       bridge.Code
		Message    string
	}
	Bytes []struct {
		Bytes int64
		Text  string
	}
}

func TestLimitVectors(t *testing.T) {
	var v limitVectors
	load(t, "limits", &v)
	for _, tc := range v.Checks {
		t.Run(tc.Name, func(t *testing.T) {
			limits, err := bridge.ParseLimits([]byte(tc.Limits))
			require.NoError(t, err)
			requireRefusal(t, limits.Check(tc.File, tc.Size), tc.Code, tc.Message)
		})
	}
	for _, tc := range v.Impossible {
		t.Run("T18 size "+tc.Name, func(t *testing.T) {
			size, err := strconv.ParseInt(tc.Size, 10, 64)
			require.NoError(t, err)
			requireRefusal(t, bridge.Unlimited().Check("a.pdf", size), tc.Code, tc.Message)
			requireRefusal(t, bridge.VendorLimits().Check("a.pdf", size), tc.Code, tc.Message)
		})
	}
	for _, tc := range v.Bytes {
		require.Equal(t, tc.Text, bridge.Bytes(tc.Bytes))
	}
}

func requireRefusal(t *testing.T, err error, code bridge.Code, message string) {
	t.Helper()
	require.Equal(t, code, bridge.CodeOf(err))
	if code == "" {
		require.NoError(t, err)
		return
	}
	require.EqualError(t, err, message)
	require.NotEmpty(t, bridge.AsError(err).Hint)
}

// The arithmetic must hold up to the largest integers. The test compares it with the
// same sum in floating point, which cannot overflow.
func TestT18_LimitsNeverOverflow(t *testing.T) {
	edge := rapid.OneOf(
		rapid.Int64Range(0, 10),
		rapid.Int64Range(bridge.MaxInteger-10, bridge.MaxInteger),
		rapid.Int64Range(math.MaxInt64-10, math.MaxInt64),
		rapid.Int64Range(0, math.MaxInt64),
	)
	rapid.Check(t, func(t *rapid.T) {
		l := bridge.Unlimited()
		l.MaxTotalSize = max(1, edge.Draw(t, "total"))
		l.UsedTotalSize = edge.Draw(t, "used")
		size := edge.Draw(t, "size")
		fits := size <= l.MaxTotalSize && l.UsedTotalSize <= l.MaxTotalSize-size
		err := l.Check("a", size)
		switch {
		case size > bridge.MaxInteger:
			require.Equal(t, bridge.CodeMessage, bridge.CodeOf(err))
		case fits:
			require.NoError(t, err)
			require.LessOrEqual(t, float64(size)+float64(l.UsedTotalSize), float64(l.MaxTotalSize)*(1+1e-9))
		default:
			require.Equal(t, bridge.CodeTotalSize, bridge.CodeOf(err))
			require.GreaterOrEqual(t, float64(size)+float64(l.UsedTotalSize), float64(l.MaxTotalSize)*(1-1e-9))
		}
	})
}

func TestVendorLimits(t *testing.T) {
	l := bridge.VendorLimits()
	require.Equal(t, bridge.Limits{MaxFiles: 3, MaxFileSize: 2 << 20, MaxTotalSize: 5 << 20, MaxDownloads: 2, DeleteFile: "odd"}, l)
	require.NoError(t, bridge.Unlimited().Check("a.exe", bridge.MaxInteger))
}

func TestParseTypes(t *testing.T) {
	for in, want := range map[string][]string{
		"":                 nil,
		"jpeg:jpg:pdf":     {"jpeg", "jpg", "pdf"},
		" PDF , .Png :zip": {"pdf", "png", "zip"},
		"::.:,":            nil,
		"tar.gz":           {"tar.gz"},
	} {
		require.Equal(t, want, bridge.ParseTypes(in), "%q", in)
	}
}

func TestLimitsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.OneOf(rapid.Just[int64](bridge.NoLimit), rapid.Int64Range(0, bridge.MaxInteger))
		used := rapid.Int64Range(0, bridge.MaxInteger)
		l := bridge.Limits{
			MaxFiles: limit.Draw(t, "files"), UsedFiles: used.Draw(t, "used files"),
			MaxFileSize: limit.Draw(t, "size"), MaxTotalSize: limit.Draw(t, "total"), UsedTotalSize: used.Draw(t, "used total"),
			NeedAgent: rapid.Bool().Draw(t, "need"), AgentHere: rapid.Bool().Draw(t, "here"),
			MaxDownloads: limit.Draw(t, "downloads"), UsedDownloads: used.Draw(t, "used downloads"),
			DeleteFile:   rapid.SampledFrom([]string{"", bridge.DeleteOdd, bridge.DeleteKeep, bridge.DeleteOff}).Draw(t, "delete"),
			DeleteOthers: rapid.SampledFrom([]string{"", bridge.OthersStaff, bridge.OthersAll}).Draw(t, "delete others"),
		}
		have, err := bridge.ParseLimits(bridge.AppendLimits(nil, l))
		require.NoError(t, err)
		require.Equal(t, l, have)
	})
}
