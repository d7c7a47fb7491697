; Entries in the registry and the start menu; SHCTX is this user or everybody.

!define DICOM_CLASS "Software\Classes\${NAME}.dicom"
!define FOLDER_VERB "Software\Classes\Directory\shell\${NAME}"
!define HERE_VERB "Software\Classes\Directory\Background\shell\${NAME}"
!define DISC_VERB "Software\Classes\Drive\shell\${NAME}"
!define DCM_PROGRAMS "Software\Classes\.dcm\OpenWithProgids"
!define APP_PATH "Software\Microsoft\Windows\CurrentVersion\App Paths\${WINDOW_PROGRAM}"

Function WriteEntries
  CreateShortcut "$SMPROGRAMS\${NAME}.lnk" "$INSTDIR\${WINDOW_PROGRAM}"
  WriteRegStr SHCTX "${APP_PATH}" "" "$INSTDIR\${WINDOW_PROGRAM}"

  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayName" "${NAME}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "Publisher" "${NAME}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\${WINDOW_PROGRAM}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\${UNINSTALLER}"'
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\${UNINSTALLER}" /S'
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "EstimatedSize" ${PAYLOAD_KB}
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "NoRepair" 1
FunctionEnd

; The closing \. keeps a drive's root ("D:\") from ending in a backslash before the quote.
!macro WriteVerb KEY
  WriteRegStr SHCTX "${KEY}" "" "Open with ${NAME}"
  WriteRegStr SHCTX "${KEY}" "Icon" "$INSTDIR\${WINDOW_PROGRAM}"
  WriteRegStr SHCTX "${KEY}\command" "" '"$INSTDIR\${WINDOW_PROGRAM}" open "%V\."'
!macroend

Function WriteExplorerEntries
  !insertmacro WriteVerb "${FOLDER_VERB}"
  !insertmacro WriteVerb "${HERE_VERB}"
  !insertmacro WriteVerb "${DISC_VERB}"

  WriteRegStr SHCTX "${DICOM_CLASS}" "" "DICOM image"
  WriteRegStr SHCTX "${DICOM_CLASS}\shell\open" "FriendlyAppName" "${NAME}"
  WriteRegStr SHCTX "${DICOM_CLASS}\shell\open\command" "" '"$INSTDIR\${WINDOW_PROGRAM}" open "%1"'
  ; Among the programs offered; the one that opens .dcm by default stays what it is.
  WriteRegStr SHCTX "${DCM_PROGRAMS}" "${NAME}.dicom" ""
FunctionEnd

!macro RemoveExplorerEntries
  DeleteRegKey SHCTX "${FOLDER_VERB}"
  DeleteRegKey SHCTX "${HERE_VERB}"
  DeleteRegKey SHCTX "${DISC_VERB}"
  DeleteRegKey SHCTX "${DICOM_CLASS}"
  DeleteRegValue SHCTX "${DCM_PROGRAMS}" "${NAME}.dicom"
  DeleteRegKey /ifempty SHCTX "${DCM_PROGRAMS}"
  DeleteRegKey /ifempty SHCTX "Software\Classes\.dcm"
!macroend

Function un.RemoveEntries
  Delete "$SMPROGRAMS\${NAME}.lnk"
  Delete "$DESKTOP\${NAME}.lnk"
  DeleteRegKey SHCTX "${UNINSTALL_KEY}"
  DeleteRegKey SHCTX "${APP_PATH}"
  !insertmacro RemoveExplorerEntries
FunctionEnd
