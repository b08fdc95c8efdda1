package bridge

import (
	"strings"
	"sync"
)

// Kind is the sort of file that a person sees; it selects the icon.
type Kind string

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

// extensions lists each kind's extensions. Program is everything that runs, installs
// or starts something when it is opened, on any desktop: it is shown with caution.
//
// Program and the lists of cautions below are compiled from the types that
// Outlook ("Blocked attachments in Outlook", Level 1), Gmail ("File types blocked
// in Gmail"), Chromium (download_file_types.asciipb), Firefox
// (ApplicationReputation.cpp), Windows' Attachment Manager (high risk) and Office
// ("File types blocked by default in packages") block or ask about, and from
// those that macOS, GNOME and KDE open by starting something. Types listed there for
// other reasons are left out: plain web pages, XML, archives, settings that
// nothing reads when they are opened.
var extensions = map[Kind]string{
	Image:     "png jpg jpeg jpe jfif gif webp avif heic heif bmp tif tiff svg ico psd ai eps raw cr2 nef dng jxl",
	Audio:     "mp3 wav ogg oga opus flac m4a aac wma aif aiff mid midi amr weba",
	Video:     "mp4 m4v mov avi mkv webm wmv flv mpg mpeg 3gp ogv m2ts",
	PDF:       "pdf",
	Document:  "doc docx docm dot dotx dotm docb wbk wll one onepkg onetoc2 odt ott rtf pages wpd wps epub mobi xps djvu tex vsd vsdx vsdm vssm vstm vss vst pub",
	Sheet:     "xls xlsx xlsm xlsb xlt xltx xltm xla xlam xlm xlw slk dif iqy oqy rqy dqy odc ods ots numbers csv tsv",
	Slides:    "ppt pptx pptm pps ppsx ppsm pot potx potm ppa ppam sldx sldm odp otp key",
	PlainText: "txt text log md markdown rst asc nfo readme srt vtt",
	CodeFile:  "html htm xhtml xht shtml mht mhtml css scss less ts tsx jsx c h cc cpp hpp cs go rs java kt swift php lua r m scala sql dart vue svelte ino asm proto",
	DataFile: "json jsonl xml yaml yml toml ini cfg conf db sqlite sqlite3 dat bin parquet avro geojson gpx kml ics vcf plist sav " +
		"mdb accdb accde accdr accda accdc accdt accdu ade adp mda mde mdt mdw mdz mad maf mag mam maq mar mas mat mau mav maw " +
		"cer crt der p7b p7c spc p12 pfx sst stl cat crl mobileconfig mobileprovision provisionprofile theme themepack deskthemepack prf pbk udl dsn ops ins isp xnk ovpn printerexport webpnp",
	Archive: "zip rar 7z tar gz tgz bz2 tbz xz txz zst lz4 lzma ar cpio z " +
		"cab iso img dmg vhd vhdx vmdk vdi qcow2 ova wim swm esd udf nrg mdf mds ccd daa isz toast cdr dvdr dc42 diskcopy42 dmgpart imgpart ndif udif smi sparseimage sparsebundle hfs xip pax cpgz squashfs",
	Mail: "eml msg mbox pst ost emlx",
	Font: "ttf otf woff woff2 eot ttc",
	Program: "exe com bat cmd pif scr cpl dll ocx sys drv efi vxd ax msi msp mst msu msix msixbundle appx appxbundle appinstaller xap apk apkm xapk aab ipa " +
		"ps1 ps1xml ps2 ps2xml psc1 psc2 psd1 psdm1 psm1 pssc cdxml msh msh1 msh2 mshxml msh1xml msh2xml vb vbs vbe vbscript js jse mjs cjs ws wsc wsf wsh sct hta htc htt bas vbp vsmacros vsw ahk au3 nsh kix mof rgs " +
		"lnk url website webloc inetloc fileloc textclipping desktop scf shb shs library-ms search-ms searchconnector-ms settingcontent-ms appref-ms application gadget xbap rdp rdg ica vnc chm chi chw hlp hpj cnt its msc mmc " +
		"reg inf inx isu grp job bgi diagcab diagcfg diagpkg osd mcf xrm-ms manifest asp aspx asx plg pcd prg fxp mcl btapp btinstall u3p paf air jar jnlp class dex crx xpi oxt vsix vsto xll " +
		"app command tool terminal workflow action applescript scpt scptd osas osax seplugin caction pkg mpkg prefpane saver qlgenerator mdimporter kext plugin " +
		"deb rpm run elf out so ko dylib appimage flatpak flatpakref flatpakrepo snap slp pet pup shar sh bash zsh csh tcsh ksh fish nu service " +
		"py pyc pyo pyw pyz pyzw pyd rb rbw pl plx pm cgi tcl wasm swf spl ex ex_ dl_",
}

// cautions lists, by reason, files that are not programs but need care.
var cautions = map[Caution]string{
	CautionMacros: "docm dotm docb wbk wll one onepkg onetoc2 vsdm vssm vstm " +
		"xlsm xlsb xltm xla xlam xlm xlw slk dif iqy oqy rqy dqy odc pptm ppsm potm ppa ppam sldm " +
		"mdb accdb accde accdr accda accdc accdt accdu ade adp mda mde mdt mdw mdz mad maf mag mam maq mar mas mat mau mav maw",
	CautionContainer: "cab iso img dmg vhd vhdx vmdk vdi qcow2 ova wim swm esd udf nrg mdf mds ccd daa isz toast cdr dvdr " +
		"dc42 diskcopy42 dmgpart imgpart ndif udif smi sparseimage sparsebundle hfs xip squashfs",
	CautionSettings: "cer crt der p7b p7c spc p12 pfx sst stl cat crl mobileconfig mobileprovision provisionprofile " +
		"theme themepack deskthemepack prf pbk udl dsn ops ins isp xnk ovpn printerexport webpnp pst",
}

// extensionTables are made when they are first needed: a page that starts waits for none.
var extensionTables struct {
	once     sync.Once
	kinds    map[string]Kind
	cautions map[string]Caution
}

func makeExtensionTables() {
	t := &extensionTables
	t.kinds, t.cautions = make(map[string]Kind, 700), make(map[string]Caution, 160)
	for kind, list := range extensions {
		for _, ext := range strings.Fields(list) {
			t.kinds[ext] = kind
		}
	}
	for caution, list := range cautions {
		for _, ext := range strings.Fields(list) {
			t.cautions[ext] = caution
		}
	}
}

// kindOfExtension returns the kind of files with that extension, in lower case and without
// its dot, or "".
func kindOfExtension(ext string) Kind {
	extensionTables.once.Do(makeExtensionTables)
	return extensionTables.kinds[ext]
}

// cautionOfExtension returns the caution of an extension, or "".
func cautionOfExtension(ext string) Caution {
	extensionTables.once.Do(makeExtensionTables)
	return extensionTables.cautions[ext]
}

// KindOf returns the kind of an extension (lower case, no dot) and declared
// MIME type. The extension decides, as it does for Chat Server and for the
// desktop that will open the file; the type counts only if the extension is
// unknown. disagree means that both are known and incompatible: a file.pdf declared
// as a program is not to be trusted.
func KindOf(extension, mimeType string) (kind Kind, disagree bool) {
	byName := kindOfExtension(extension)
	named := byName != ""
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

// compatible reports whether a disagreement is an everyday one. Browsers call csv a
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
