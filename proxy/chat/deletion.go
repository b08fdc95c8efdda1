package chat

import "attache/bridge"

// isDeletion reports whether a party asks for the deletion of a file.
func (s *Server) isDeletion(e bridge.Event) bool {
	return e.Type == bridge.Notice && e.NoticeType == bridge.SystemCommand && (e.Text == bridge.FileDeleted || e.Text == s.cfg.DeletedText)
}

// deletionEntry returns the entry that deletes the file which e names, or the position of
// the notice that has deleted it already. The notice has the file's visibility: another one
// would show a file to parties that may not see it, or would not reach all that do.
func (s *Server) deletionEntry(f *fold, e bridge.Event) (*logEntry, int64, error) {
	id := e.Data.Get(bridge.KeyFileID)
	file, err := f.filed(e.From, id)
	if err != nil {
		return nil, 0, err
	}
	if file.userID != e.From.UserID && !s.cfg.DeleteOthers {
		err := bridge.NewError(bridge.CodeForbidden, "only the sender of a file may delete it")
		err.Hint = "ask the sender to delete it"
		return nil, 0, err
	}
	if file.deleted > 0 {
		return nil, file.deleted, nil
	}
	token := ""
	if !file.other {
		customers, _ := s.cfg.Limits.Limits()
		token = customers.DeleteFile
	}
	if token == bridge.DeleteOff {
		err := bridge.NewError(bridge.CodeForbidden, "files may not be deleted in this chat")
		err.Hint = "ask the operator to change the limit delete-file"
		return nil, 0, err
	}
	if err := s.afford(f, e.From); err != nil {
		return nil, 0, err
	}
	e.Text, e.Visibility = s.cfg.DeletedText, file.visibility
	returned := token != bridge.DeleteKeep && (file.other || !s.cfg.DeletedCounts)
	return &logEntry{Kind: isEvent, Event: &event{e}, FileID: id, Returned: returned}, 0, nil
}

// delete marks a file as deleted. Its bytes count for a little longer, because they are
// still on the disk; see addReleased.
func (f *fold) delete(e *logEntry) {
	file, ok := f.files[e.FileID]
	if !ok || file.deleted > 0 {
		return
	}
	file.deleted = e.Position
	f.files[e.FileID] = file
	if !e.Returned {
		return
	}
	f.usageOf(file.other).remove(file.size)
	f.dropSettled()
	f.released = append(f.released, reservation{other: file.other, size: file.size, at: e.At})
}
