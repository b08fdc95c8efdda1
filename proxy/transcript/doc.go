// Package transcript writes and reads a chat session's transcript in the vendor's XML, the form
// in which Chat Server stores it in UCS.
//
//	<chatTranscript startAt="2026-11-28T10:00:00Z" sessionId="0001AaBC">
//	  <newParty userId="ann" timeShift="0" visibility="ALL" eventId="1">
//	    <userInfo personId="" userNick="Ann" userType="CLIENT" protocolType="FLEX" timeZoneOffset="60" clientVersion="106"/>
//	    <userData><item key="TimeZone" type="string">60</item></userData>
//	  </newParty>
//	  <message userId="ann" timeShift="12" visibility="ALL" eventId="3"><msgText msgType="text">hello</msgText></message>
//	  <notice userId="bob" timeShift="20" visibility="ALL" eventId="7">
//	    <noticeText noticeType="SYS_COMMAND">file-uploaded</noticeText>
//	    <userData><item key="file-name" type="string">a.pdf</item><item key="file-size" type="int">1234</item>…</userData>
//	  </notice>
//	  <partyLeft userId="bob" timeShift="60" visibility="ALL" eventId="9" askerId="bob">
//	    <reason code="2">left with request to close forcedly</reason>
//	  </partyLeft>
//	</chatTranscript>
//
// It has no namespace. Times are whole seconds since the session's start. Event ids have gaps,
// which stay. A file is its name, size and document id, never its bytes.
//
// Both ends work event by event, so a transcript of any length takes bounded memory. [Write]
// writes what an [Audience] may see of a session; [Handler] does so over HTTP. The names of
// elements and attributes are those seen in stored transcripts, except for those of a reenter
// and of a receiver, which are not published and were chosen after the fields in PSDK.
package transcript
