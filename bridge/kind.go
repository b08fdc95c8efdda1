package bridge

import "strings"

// Kind is what a file is to a person: it picks the icon.
type Kind string

// The kinds.
const (
	Image     Kind = "image"
	Audio     Kind = "audio"
	Video     Kind = "video"
	PDF       Kind = "pdf"
	Document  Kind = "document"
	Sheet     Kind = "sheet"
	Slides    Kind = "slides"
	PlainText Kind = "text"
	CodeFile  Kind = "code"
	DataFile  Kind = "data"
	Archive   Kind = "archive"
	Mail      Kind = "mail"
	Font      Kind = "font"
	Program   Kind = "program"
	Unknown   Kind = "unknown"
)

// Kinds is the closed list, in the order of the documentation.
var Kinds = []Kind{
	Image, Audio, Video, PDF, Document, Sheet, Slides, PlainText,
	CodeFile, DataFile, Archive, Mail, Font, Program, Unknown,
}

// extensions lists each kind's extensions. Program holds everything that runs
// when it is opened, on any desktop: it is shown with caution.
var extensions = map[Kind]string{
	Image:     "png jpg jpeg jpe jfif gif webp avif heic heif bmp tif tiff svg ico psd ai eps raw cr2 nef dng jxl",
	Audio:     "mp3 wav ogg oga opus flac m4a aac wma aif aiff mid midi amr weba",
	Video:     "mp4 m4v mov avi mkv webm wmv flv mpg mpeg 3gp ogv m2ts",
	PDF:       "pdf",
	Document:  "doc docx docm dot dotx odt ott rtf pages wpd wps epub mobi xps djvu tex",
	Sheet:     "xls xlsx xlsm xlsb xlt xltx ods ots numbers csv tsv",
	Slides:    "ppt pptx pptm pps ppsx pot potx odp otp key",
	PlainText: "txt text log md markdown rst asc nfo readme srt vtt",
	CodeFile:  "html htm xhtml css scss less ts tsx jsx c h cc cpp hpp cs go rs java kt swift rb php pl lua r m scala sql dart vue svelte ino asm proto",
	DataFile:  "json jsonl xml yaml yml toml ini cfg conf db sqlite sqlite3 mdb accdb dat bin parquet avro geojson gpx kml ics vcf plist sav",
	Archive:   "zip rar 7z tar gz tgz bz2 tbz xz txz zst lz4 lzma cab iso img dmg ar cpio z",
	Mail:      "eml msg mbox pst ost emlx",
	Font:      "ttf otf woff woff2 eot ttc",
	Program:   "exe msi msp mst msix appx com bat cmd ps1 psm1 vb vbs vbe js jse mjs ws wsc wsf wsh sct hta scr pif cpl lnk reg inf jar jnlp apk ipa app deb rpm run sh bash zsh csh ksh fish command py pyw pyc dll so dylib sys drv gadget url webloc inetloc desktop scf shb shs chm hlp msc application appimage pkg mpkg scpt library-ms search-ms settingcontent-ms appref-ms xbap xll iqy elf wasm",
}

var kindOfExtension = func() map[string]Kind {
	m := make(map[string]Kind, 320)
	for kind, list := range extensions {
		for _, ext := range strings.Fields(list) {
			m[ext] = kind
		}
	}
	return m
}()

// KindOf returns the kind of an extension (lower case, no dot) and declared
// MIME type. The extension decides, as it does for Chat Server and for the
// desktop that will open the file; the type only speaks where the extension is
// unknown. disagree tells that both are known and say different things: a
// file.pdf declared as a program is not to be trusted.
func KindOf(extension, mimeType string) (kind Kind, disagree bool) {
	byName, named := kindOfExtension[extension]
	byType, typed := kindOfType(mimeType)
	switch {
	case named && typed:
		return byName, !compatible(byName, byType)
	case named:
		return byName, false
	case typed:
		return byType, false
	}
	return Unknown, false
}

// mimeKinds maps declared types to kinds, the longest prefix first.
var mimeKinds = []struct {
	prefix string
	kind   Kind
}{
	{"application/pdf", PDF},
	{"application/msword", Document},
	{"application/rtf", Document},
	{"text/rtf", Document},
	{"application/epub", Document},
	{"application/vnd.openxmlformats-officedocument.wordprocessingml", Document},
	{"application/vnd.oasis.opendocument.text", Document},
	{"application/vnd.ms-excel", Sheet},
	{"application/vnd.openxmlformats-officedocument.spreadsheetml", Sheet},
	{"application/vnd.oasis.opendocument.spreadsheet", Sheet},
	{"text/csv", Sheet},
	{"application/vnd.ms-powerpoint", Slides},
	{"application/vnd.openxmlformats-officedocument.presentationml", Slides},
	{"application/vnd.oasis.opendocument.presentation", Slides},
	{"application/json", DataFile},
	{"application/xml", DataFile},
	{"text/xml", DataFile},
	{"text/html", CodeFile},
	{"text/css", CodeFile},
	{"text/javascript", Program},
	{"application/javascript", Program},
	{"application/x-sh", Program},
	{"application/x-msdownload", Program},
	{"application/x-msdos-program", Program},
	{"application/x-executable", Program},
	{"application/vnd.microsoft.portable-executable", Program},
	{"application/java-archive", Program},
	{"application/vnd.android.package-archive", Program},
	{"application/x-msi", Program},
	{"application/zip", Archive},
	{"application/x-zip", Archive},
	{"application/gzip", Archive},
	{"application/x-7z", Archive},
	{"application/x-rar", Archive},
	{"application/vnd.rar", Archive},
	{"application/x-tar", Archive},
	{"message/rfc822", Mail},
	{"application/vnd.ms-outlook", Mail},
	{"font/", Font},
	{"image/vnd.djvu", Document},
	{"image/", Image},
	{"audio/", Audio},
	{"video/", Video},
	{"text/plain", PlainText},
}

func kindOfType(mimeType string) (Kind, bool) {
	t := strings.ToLower(mimeType)
	for _, m := range mimeKinds {
		if strings.HasPrefix(t, m.prefix) {
			return m.kind, true
		}
	}
	return Unknown, false
}

// compatible says which disagreements are everyday ones. Browsers call csv a
// spreadsheet or plain text, source code text, ogg audio or video; a zip is
// the container of every Office format. Nothing is compatible with a program.
func compatible(byName, byType Kind) bool {
	if byName == byType {
		return true
	}
	switch byType {
	case PlainText:
		return byName == CodeFile || byName == DataFile || byName == Sheet || byName == Document || byName == Mail
	case Archive:
		return byName == Document || byName == Sheet || byName == Slides || byName == DataFile
	case Video:
		return byName == Audio || byName == CodeFile // MPEG transport streams and TypeScript share .ts
	case Audio:
		return byName == Video
	case DataFile:
		return byName == CodeFile || byName == PlainText || byName == Image // SVG is XML
	case CodeFile:
		return byName == DataFile || byName == PlainText
	case Sheet:
		return byName == DataFile || byName == PlainText
	}
	return false
}
