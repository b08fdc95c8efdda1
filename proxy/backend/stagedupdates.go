package backend

import (
	"context"
	"io"

	"attache/bridge"
	"attache/proxy"
)

// StagedUpdates are [Updates] on top of a document store with staging.
type StagedUpdates struct {
	staging proxy.Staging
	updater proxy.Updater
}

var _ Updates = StagedUpdates{}

// NewStagedUpdates returns updates that stage content in staging.
func NewStagedUpdates(staging proxy.Staging, updater proxy.Updater) StagedUpdates {
	return StagedUpdates{staging, updater}
}

// Update stages the content, and replaces the document's by it.
func (s StagedUpdates) Update(ctx context.Context, d proxy.Document, content io.Reader) error {
	if content == nil {
		return s.updater.Update(ctx, d, "")
	}
	if err := s.staging.AdmitUpload(); err != nil {
		return err
	}
	if _, err := s.updater.Describe(ctx, d.ID); err != nil {
		return err
	}
	id, err := s.updater.NewContent(d.ID)
	if err != nil {
		return err
	}
	// What became the document's content is not discarded by that.
	defer s.staging.Discard(context.WithoutCancel(ctx), id)
	staged := d
	staged.ID = id
	if staged, err = proxy.Stage(ctx, s.staging, staged, content); err != nil {
		return err
	}
	if staged.Size != d.Size || staged.SHA256 != d.SHA256 {
		return bridge.NewError(bridge.CodeDigest, "")
	}
	return s.updater.Update(ctx, d, id)
}
