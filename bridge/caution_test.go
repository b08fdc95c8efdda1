package bridge_test

import (
	"slices"
	"strings"
	"testing"

	"attache/bridge"

	"github.com/stretchr/testify/require"
)

// Files that run, install, mount or redirect when they are opened, by the lists
// that kind.go names.
var blocked = map[string]string{
	"Outlook":   "ade adp app application appref-ms asp aspx asx bas bat bgi cab cer chm cmd cnt com cpl crt csh der diagcab exe fxp gadget grp hlp hpj hta htc inf ins iso isp its jar jnlp js jse ksh lnk mad maf mag mam maq mar mas mat mau mav maw mcf mda mdb mde mdt mdw mdz msc msh msh1 msh2 mshxml msh1xml msh2xml msi msp mst msu ops osd pcd pif pl plg prf prg printerexport ps1 ps1xml ps2 ps2xml psc1 psc2 psd1 psdm1 pst py pyc pyo pyw pyz pyzw reg scf scr sct shb shs theme udl url vb vbe vbp vbs vhd vhdx vsmacros vsw webpnp website ws wsc wsf wsh xbap xll xnk",
	"Gmail":     "ade adp apk appx appxbundle bat cab chm cmd com cpl diagcab diagcfg diagpkg dll dmg ex ex_ exe hta img ins iso isp jar jnlp js jse lnk mde mjs msc msi msix msixbundle msp mst nsh pif ps1 scr sct shb sys vb vbe vbs vhd vhdx vxd wsc wsf wsh xll",
	"browsers":  "ade adp app application applescript appref-ms asp asx bash bat cdr chi chm class cmd com command crt crx csh dc42 deb dex diskcopy42 dll dmg dmgpart drv dvdr efi exe fxp gadget grp hfs hlp hta htt img imgpart inf inx ipa iso isu job jnlp js jse ksh lnk manifest mmc mof mpkg ndif ocx osas osax out paf pet pkg psc2 pup py rb reg rgs rpm scpt scptd search-ms seplugin settingcontent-ms sh shar slk slp smi sparsebundle sparseimage spl squashfs swf swm sys tcsh u3p udf udif vbscript vhd vhdx vmdk website wim xip xrm-ms",
	"Office":    "docm dotm xlsm xlsb xltm xla xlam pptm ppsm potm ppam ppa sldm slk iqy oqy rqy dqy odc wll xll accda accdb accde accdr accdu vsdm one onepkg",
	"Windows":   "rdp library-ms searchconnector-ms appinstaller themepack deskthemepack msix msixbundle cpl inf jse wsf vbs ocx ps1xml",
	"macOS":     "app command terminal tool workflow action webloc inetloc fileloc pkg mpkg dmg prefpane mobileconfig scpt osax caction saver",
	"Linux":     "desktop appimage run sh deb rpm flatpak flatpakref flatpakrepo snap service fish zsh",
	"elsewhere": "ica vnc jar py rb pl ahk au3 wasm apk aab ipa",
}

func TestB12_FilesThatRunGetACaution(t *testing.T) {
	for source, list := range blocked {
		for _, ext := range strings.Fields(list) {
			for _, name := range []string{"x." + ext, "X." + strings.ToUpper(ext), "invoice.pdf." + ext, "x." + ext + ". .", "x.txt:y." + ext, "x.\u200b" + ext} {
				n := bridge.SafeName(name, "")
				require.Equal(t, ext, n.Extension, "%s: %q", source, name)
				require.NotEmpty(t, n.Caution, "%s: %q", source, name)
				require.NotContains(t, []bridge.Caution{bridge.CautionPath, bridge.CautionType}, n.Caution, "%s: %q", source, name)
			}
		}
	}
}

// Of several reasons the gravest counts.
func TestB12_CautionIsTheGravestReason(t *testing.T) {
	for ext, want := range map[string]bridge.Caution{
		"rdp": bridge.CautionProgram, "terminal": bridge.CautionProgram, "msixbundle": bridge.CautionProgram, "pl": bridge.CautionProgram,
		"xlam": bridge.CautionMacros, "docm": bridge.CautionMacros, "one": bridge.CautionMacros, "accde": bridge.CautionMacros,
		"iso": bridge.CautionContainer, "vhdx": bridge.CautionContainer, "dmg": bridge.CautionContainer,
		"theme": bridge.CautionSettings, "cer": bridge.CautionSettings, "mobileconfig": bridge.CautionSettings,
	} {
		require.Equal(t, want, bridge.SafeName("x."+ext, "").Caution, ext)
	}
	for _, ext := range strings.Fields("pdf docx xlsx pptx doc xls ppt odt ods txt csv rtf jpg png heic gif webp svg mp3 mp4 mov zip 7z rar gz eml msg ics vcf html xml json key numbers pages ttf epub ts go java css") {
		require.Empty(t, bridge.SafeName("x."+ext, "").Caution, ext)
	}
}

func TestEveryCautionedExtensionHasAKind(t *testing.T) {
	seen := map[string]bridge.Caution{}
	for caution, list := range bridge.CautionedExtensions {
		require.True(t, slices.Contains(bridge.Cautions, caution))
		for _, ext := range strings.Fields(list) {
			require.Empty(t, seen[ext], "%s is %s, too", ext, caution)
			seen[ext] = caution
			kind, _ := bridge.KindOf(ext, "")
			require.NotEqual(t, bridge.Unknown, kind, ext)
			require.NotEqual(t, bridge.Program, kind, ext)
		}
	}
}
