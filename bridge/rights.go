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

// The rights to read the transcript of the token's session over HTTP, each with what is in it:
// every event, what an agent may see, or what a customer may see.
const (
	RightTranscriptAll      Right = "transcript:all"
	RightTranscriptInternal Right = "transcript:internal"
	RightTranscriptCustomer Right = "transcript:customer"
)

// TranscriptRights is the closed list, the widest first. They are not in AllRights, because no
// page needs one.
var TranscriptRights = []Right{RightTranscriptAll, RightTranscriptInternal, RightTranscriptCustomer}

// AllRights is the closed list of what a page may need.
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

// CheckUploadType refuses an upload type that a party of that type, with those rights, may not
// use: code forbidden. No token lets a customer send a standard response.
func CheckUploadType(uploadType string, from UserType, rights Rights) error {
	if uploadType == FromStandardResponse && from == Client {
		return typeError("a customer cannot attach standard responses")
	}
	return rights.Need(UploadRight(uploadType))
}

// UploadRight returns the right that an upload of that type needs.
func UploadRight(uploadType string) Right {
	if uploadType == FromStandardResponse {
		return RightUploadResponse
	}
	return RightUpload
}
