package bridge

import "cmp"

// File is a file in the chat, decoded from its file-uploaded notice. It has all that
// a widget needs to show it and a download needs to fetch it.
type File struct {
	ID          string // file-id, which Chat Server assigned; valid in this session
	Name        Name
	Size        int64 // bytes
	Key         string
	Source      string
	DocumentID  string
	UploadType  string
	Description string
	Custom      Data // every key that is not in the vendor's table

	Downloadable bool
	Reason       string // why not, in a sentence
}

// DecodeFile decodes a file-uploaded notice. It accepts file-size as an integer or a
// string, because both occur. An event with an Access may lack file-source and
// file-document-id, which the proxy hides from customers. Errors have code notice-incomplete.
func DecodeFile(e Event) (File, error) {
	if !e.IsFile() {
		return File{}, NewError(CodeNotice, "this event is not a file-uploaded notice")
	}
	if err := checkFile(e); err != nil {
		return File{}, err
	}
	size, _ := parseSize(e.Data.Get(KeyFileSize))
	f := File{
		ID:          e.Data.Get(KeyFileID),
		Name:        nameOf(e.Data),
		Size:        size,
		Key:         e.Data.Get(KeyFileKey),
		Source:      e.Data.Get(KeyFileSource),
		DocumentID:  e.Data.Get(KeyDocumentID),
		UploadType:  e.Data.Get(KeyUploadType),
		Description: e.Data.Get(KeyDescription),
	}
	for _, item := range e.Data {
		if !oneOf(item.Key, noticeKeys) {
			f.Custom = append(f.Custom, item)
		}
	}
	f.Downloadable, f.Reason = downloadable(f, e)
	return f, nil
}

// checkFile checks what DecodeFile needs.
func checkFile(e Event) error {
	if e.Access != nil {
		return checkShown(e.Data)
	}
	return CheckNotice(e.Data)
}

// downloadable reports whether the file can be downloaded: what the proxy has said, or else
// judging by the notice alone. The proxy decides again when asked for the file, because it
// knows which documents it delivered itself.
func downloadable(f File, e Event) (bool, string) {
	switch {
	case e.Access != nil && e.Access.Download:
		return true, ""
	case e.Access != nil:
		return false, cmp.Or(e.Access.Reason, "the file cannot be downloaded")
	case f.Source != SourceUCS:
		return false, "the file is stored in " + clip(f.Source, 64) + ", which cannot be read from here"
	case f.ID == "":
		return false, "the notice has no file-id"
	case f.Key == "" && !e.From.UserType.Trusted() && !e.Vouched:
		return false, "the file was not sent through this service"
	}
	return true, ""
}

func (f *File) fields(v fields) {
	v.optional("id", &f.ID, 64)
	f.Name.fields(v)
	v.number("size", &f.Size)
	v.optional("key", &f.Key, maxID)
	v.optional("source", &f.Source, MaxValue)
	v.optional("documentId", &f.DocumentID, MaxValue)
	v.optional("uploadType", &f.UploadType, MaxValue)
	v.optional("description", &f.Description, MaxValue)
	v.data("custom", &f.Custom)
	v.flag("downloadable", &f.Downloadable)
	v.optional("reason", &f.Reason, 256)
}
