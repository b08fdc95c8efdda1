package bridge

// Right is one permission in a token.
type Right string

// The rights. The two upload rights are Workspace's privileges "Chat - Can
// Transfer File From File System" and "... From Standard Response".
const (
	RightChat           Right = "chat"
	RightUpload         Right = "upload:file-system"
	RightUploadResponse Right = "upload:standard-response"
	RightDownload       Right = "download"
)

// AllRights is the closed list.
var AllRights = []Right{RightChat, RightUpload, RightUploadResponse, RightDownload}

type Rights []Right

func (list Rights) Has(r Right) bool {
	for _, have := range list {
		if have == r {
			return true
		}
	}
	return false
}

// Need returns an error of code forbidden that names r if it is missing.
func (list Rights) Need(r Right) error {
	if list.Has(r) {
		return nil
	}
	return NewError(CodeForbidden, "the token does not give the right "+string(r))
}

// The values of file-upload-type that Workspace uses.
const (
	FromFileSystem       = "file-system"
	FromStandardResponse = "standard-response"
)

var uploadTypes = []string{FromFileSystem, FromStandardResponse}

// UploadRight returns the right that an upload of that type needs.
func UploadRight(uploadType string) Right {
	if uploadType == FromStandardResponse {
		return RightUploadResponse
	}
	return RightUpload
}
