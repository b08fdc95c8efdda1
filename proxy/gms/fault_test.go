package gms_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/gms"
)

// A step that took too long is temporary: the client may send its request again.
func TestFault_ADeadlineIsTemporary(t *testing.T) {
	t.Parallel()
	fault, status := gms.Failed(fmt.Errorf("correct the reservation: %w", context.DeadlineExceeded))
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, gms.TemporarilyBusy, fault.Code)
	_, status = gms.Failed(errors.New("a fault of ours"))
	require.Equal(t, http.StatusInternalServerError, status)
}
