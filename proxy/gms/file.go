package gms

import "net/http"

// filePath is below a chat.
const filePath = "/genesys/2/chat/{service}/{chat}/file"

// handleFiles routes the operations on files. They are not among the others, because an upload's
// body and a download's answer are streams.
func (s *Server) handleFiles() {
	s.handle(filePath, s.ServeUpload)
	s.handle(filePath+"/limits", s.serve((*Server).fileLimits))
	s.handle(filePath+"/{file}/delete", s.serve((*Server).deleteFile))
	if s.cfg.DownloadsByGet {
		s.mux.HandleFunc("GET "+filePath+"/{file}/download", s.download)
	}
	s.handle(filePath+"/{file}/download", s.download)
}

// download is ServeDownload for REST.
func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	c, err := s.call(r)
	if err != nil {
		s.refuseDownload(w, r, err)
		return
	}
	s.ServeDownload(w, r, c, nil)
}
