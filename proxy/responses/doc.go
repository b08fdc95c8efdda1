// Package responses is a library of standard responses: a directory with prepared files that
// agents attach to a chat without uploading them.
//
//	responses/
//	    index.json                optional
//	    greetings/welcome.pdf
//	    contracts/terms.pdf
//
// Without an index every file is a response, in the folder that it is in. With one, only the
// files that it names are:
//
//	[{"file": "contracts/terms.pdf", "name": "Terms 2026.pdf", "folder": "Contracts",
//	  "description": "Terms and conditions", "type": "application/pdf"}]
//
// The directory is read again every half minute. Nothing outside of it is ever read, and no
// link is followed. What cannot be a response is logged and left out.
//
// Each file is scanned and put into the document store once, under an id that is made of its
// content and its name, so that every proxy with the same files finds the same documents. A
// link, which is renewed as long as the file is there, keeps the document; without it the
// store's retention removes it, unless a session's link is younger.
package responses
