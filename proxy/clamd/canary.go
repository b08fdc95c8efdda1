package clamd

import (
	"archive/zip"
	"bytes"
	"hash/crc32"
	"io"
)

// EICAR returns the harmless test file of the European Institute for Computer Antivirus
// Research, which every scanner knows. It is composed here so that no scanner finds it in this
// source.
func EICAR() []byte {
	return []byte(`X5O!P%@AP[4\PZX54(P^)7CC)7}$` + "EICAR" + `-STANDARD-ANTIVIRUS-` + `TEST-FILE!$H+H*`)
}

const eicarName = "eicar.com"

func zipped(content []byte, method uint16) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateHeader(&zip.FileHeader{Name: eicarName, Method: method})
	must(err)
	_, err = w.Write(content)
	must(err)
	must(z.Close())
	return b.Bytes()
}

// nested returns content in depth zips, one within the other.
func nested(content []byte, depth int) []byte {
	for range depth {
		content = zipped(content, zip.Deflate)
	}
	return content
}

// encrypted returns a zip of content, encrypted as PKWARE's APPNOTE 6.1 describes.
func encrypted(content []byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	sum := crc32.ChecksumIEEE(content)
	const header, isEncrypted = 12, 1
	w, err := z.CreateRaw(&zip.FileHeader{
		Name: eicarName, Flags: isEncrypted, CRC32: sum,
		CompressedSize64: uint64(len(content) + header), UncompressedSize64: uint64(len(content)),
	})
	must(err)
	k := newKeys("canary")
	plain := append(make([]byte, header-1), byte(sum>>24))
	_, err = w.Write(k.encrypt(append(plain, content...)))
	must(err)
	must(z.Close())
	return b.Bytes()
}

// keys is the state of the traditional PKWARE encryption.
type keys [3]uint32

func newKeys(password string) *keys {
	k := &keys{0x12345678, 0x23456789, 0x34567890}
	for _, c := range []byte(password) {
		k.update(c)
	}
	return k
}

func (k *keys) update(c byte) {
	k[0] = crc32.IEEETable[byte(k[0])^c] ^ k[0]>>8
	k[1] = (k[1]+k[0]&0xff)*134775813 + 1
	k[2] = crc32.IEEETable[byte(k[2])^byte(k[1]>>24)] ^ k[2]>>8
}

func (k *keys) encrypt(p []byte) []byte {
	for i, c := range p {
		t := k[2] | 2
		p[i] = c ^ byte(t*(t^1)>>8)
		k.update(c)
	}
	return p
}

// padded returns a zip of size bytes: padding, and content after it. It is generated while it
// is read.
func padded(content []byte, size int64) io.ReadCloser {
	const overhead = 1 << 10 // of the zip's own records, and a little more
	r, w := io.Pipe()
	go func() { w.CloseWithError(writePadded(w, content, max(size-overhead-int64(len(content)), 0))) }()
	return r
}

func writePadded(to io.Writer, content []byte, padding int64) error {
	z := zip.NewWriter(to)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "padding", Method: zip.Store})
	if err != nil {
		return err
	}
	zeros := make([]byte, 64<<10)
	for ; padding > 0; padding -= int64(len(zeros)) {
		if _, err := w.Write(zeros[:min(padding, int64(len(zeros)))]); err != nil {
			return err
		}
	}
	if w, err = z.CreateHeader(&zip.FileHeader{Name: eicarName, Method: zip.Store}); err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		return err
	}
	return z.Close()
}

// must is for writing into memory, which cannot fail.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
