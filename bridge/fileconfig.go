package bridge

import (
	"strconv"
	"strings"
)

// The vendor's highest values, which stand for "no limit" in a reply: its section
// client-file-transfer has no word for that, and a client that compares numbers would take
// -1 for a limit that everything exceeds.
const (
	vendorMostFiles = 1000
	vendorMostBytes = 1<<30 - 1
)

// ConfigData returns the limits as the reply to file-client-cfg-get has them: ten keys, all
// of them strings, as in a captured reply of GMS. A limit that does not exist is the
// highest value that the vendor's option takes.
func (l Limits) ConfigData() Data {
	return Data{
		limitText("download-attempts", l.MaxDownloads, vendorMostFiles),
		limitText("used-download-attempts", l.UsedDownloads, 0),
		limitText("upload-max-files", l.MaxFiles, vendorMostFiles),
		limitText("used-upload-max-files", l.UsedFiles, 0),
		limitText("upload-max-file-size", l.MaxFileSize, vendorMostBytes),
		limitText("upload-max-total-size", l.MaxTotalSize, vendorMostBytes),
		limitText("used-upload-max-total-size", l.UsedTotalSize, 0),
		Text("upload-need-agent", strconv.FormatBool(l.NeedAgent)),
		Text("upload-file-types", typeList(l.Types)),
		Text("delete-file", l.DeleteFile),
	}
}

func limitText(key string, n, most int64) Item {
	if n == NoLimit {
		n = most
	}
	return Text(key, strconv.FormatInt(n, 10))
}

// typeList leaves off the types that do not fit into a value.
func typeList(types []string) string {
	list := strings.Join(types, ":")
	if len(list) > MaxValue {
		list = list[:strings.LastIndexByte(list[:MaxValue+1], ':')]
	}
	return list
}

// IsFileConfig reports whether the event asks for the limits, or is the answer.
func (e Event) IsFileConfig() bool {
	return e.Type == Notice && e.NoticeType == SystemCommand && e.Text == FileConfig
}
