; The program's files. A new version is unpacked beside the old one and the two change places by
; renaming, so that a full disk or a program that still runs leaves the old version as it was.
; What is removed is removed by the list that came with it: other files in the folder are not ours.
; The list's lines: T and an entry of the top level, F and a file, D and a folder after its content.

!define UNPACKED "$INSTDIR\.gliascope-new"
!define RETIRED "$INSTDIR\.gliascope-old"
; Windows' MAX_PATH, less its closing zero; the installer itself knows no longer paths.
!define LONGEST_PATH 259

!macro RefuseWhileRunning FOLDER
  !insertmacro RefuseWhileOneRuns "${FOLDER}\${WINDOW_PROGRAM}"
  ; Batches run in this one.
  !insertmacro RefuseWhileOneRuns "${FOLDER}\${CONSOLE_PROGRAM}"
!macroend

!macro RefuseWhileOneRuns PROGRAM
  ; Windows lets nobody write to a program that runs.
  ${If} ${FileExists} "${PROGRAM}"
    !define ID ${__COUNTER__}
    again_${ID}:
    ClearErrors
    FileOpen $9 "${PROGRAM}" a
    ${If} ${Errors}
      StrCpy $Failure ${PROGRAM_RUNS}
      SetErrorLevel ${PROGRAM_RUNS}
      MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "${NAME} is running. Save your work and close it, or let its batch end, then retry.$\r$\n$\r$\n${PROGRAM}" /SD IDCANCEL IDRETRY again_${ID}
      Abort
    ${EndIf}
    FileClose $9
    !undef ID
  ${EndIf}
!macroend

Function un.RefuseWhileRunning
  !insertmacro RefuseWhileRunning "$INSTDIR"
FunctionEnd

; Called on leaving the folder's page and again before the first file is written.
Function CheckFolder
  StrLen $0 "${UNPACKED}\"
  IntOp $0 $0 + ${LONGEST}
  ${If} $0 > ${LONGEST_PATH}
    IntOp $0 $0 - ${LONGEST_PATH}
    ${Fail} ${PATH_TOO_LONG} "The folder's path is too long for Windows by $0 characters:$\r$\n$INSTDIR$\r$\n$\r$\nChoose a shorter one."
    Abort
  ${EndIf}
  ${GetRoot} "$INSTDIR" $0
  ClearErrors
  ${DriveSpace} "$0\" "/D=F /S=M" $1
  ${IfNot} ${Errors}
  ${AndIf} $1 < ${PAYLOAD_MB}
    ${Fail} ${DISK_FULL} "There is too little room on $0: $1 MB are free, ${PAYLOAD_MB} MB are needed.$\r$\n$\r$\nMake room or choose another folder."
    Abort
  ${EndIf}
  !insertmacro RefuseWhileRunning "$INSTDIR"
  ${If} $Former != ""
  ${AndIf} $Former != $INSTDIR
    !insertmacro RefuseWhileRunning "$Former"
  ${EndIf}
FunctionEnd

Function UnpackBeside
  ; What an interrupted installation left behind; the name is the installer's own.
  RMDir /r "${UNPACKED}"
  ClearErrors
  CreateDirectory "${UNPACKED}"
  ${If} ${Errors}
    ${Fail} ${ACCESS_DENIED} "The folder cannot be written:$\r$\n$INSTDIR$\r$\n$\r$\nChoose another one."
    Abort
  ${EndIf}
  ; From here on a failure is most likely a full disk.
  StrCpy $Failure ${DISK_FULL}
  !insertmacro UnpackPayload "${UNPACKED}"
  StrCpy $Failure 2
FunctionEnd

Function ForgetUnpacked
  SetOutPath "$TEMP"
  RMDir /r "${UNPACKED}"
  RMDir "$INSTDIR"
FunctionEnd

; Moves what list $0 names on its top level from folder $1 to folder $2; what is not in $1 is passed
; over. $8: the first that could not be moved, else empty.
Function MoveTopLevel
  StrCpy $8 ""
  ClearErrors
  FileOpen $3 "$0" r
  ${IfNot} ${Errors}
    ${Do}
      FileReadUTF16LE $3 $4
      ${If} ${Errors}
        ${ExitDo}
      ${EndIf}
      ${TrimNewLines} $4 $4
      StrCpy $5 $4 1
      StrCpy $4 $4 "" 2
      ${If} $5 == "T"
      ${AndIf} ${FileExists} "$1\$4"
        ClearErrors
        Rename "$1\$4" "$2\$4"
        ${If} ${Errors}
        ${AndIf} $8 == ""
          StrCpy $8 $4
        ${EndIf}
        ClearErrors
      ${EndIf}
    ${Loop}
    FileClose $3
  ${EndIf}
FunctionEnd

; Deletes in folder $1 the files that list $0 names, and the folders that are empty then.
!macro DefineDeleteListed UN
Function ${UN}DeleteListed
  ClearErrors
  FileOpen $3 "$0" r
  ${IfNot} ${Errors}
    ${Do}
      FileReadUTF16LE $3 $4
      ${If} ${Errors}
        ${ExitDo}
      ${EndIf}
      ${TrimNewLines} $4 $4
      StrCpy $5 $4 1
      StrCpy $4 $4 "" 2
      ${If} $5 == "F"
        Delete "$1\$4"
      ${ElseIf} $5 == "D"
        RMDir "$1\$4"
      ${EndIf}
      ClearErrors
    ${Loop}
    FileClose $3
  ${EndIf}
FunctionEnd
!macroend
!insertmacro DefineDeleteListed ""
!insertmacro DefineDeleteListed "un."

Function ExchangePrograms
  SetOutPath "$INSTDIR"
  Call ClearRetired
  CreateDirectory "${RETIRED}"
  StrCpy $1 "$INSTDIR"
  StrCpy $2 "${RETIRED}"
  StrCpy $0 "$INSTDIR\${LIST}"
  Call MoveTopLevel
  ${If} $8 == ""
    ; What lies in the new version's way without being listed, as after copying by hand.
    StrCpy $0 "${UNPACKED}\${LIST}"
    Call MoveTopLevel
  ${EndIf}
  ${If} $8 == ""
    StrCpy $1 "${UNPACKED}"
    StrCpy $2 "$INSTDIR"
    Call MoveTopLevel
  ${EndIf}
  ${If} $8 != ""
    Push $8
    Call PutBack
    Pop $8
    ${Fail} ${PROGRAM_RUNS} "The program's files are in use: $8$\r$\n$\r$\nClose ${NAME} and whatever shows its folder, then start the installer again. The version that was installed is unchanged."
    Abort
  ${EndIf}
  Call ClearRetired
  Delete "$INSTDIR\${LIST}"
  Rename "${UNPACKED}\${LIST}" "$INSTDIR\${LIST}"
  RMDir "${UNPACKED}"
  Call RemoveFormer
FunctionEnd

Function PutBack
  StrCpy $0 "${UNPACKED}\${LIST}"
  StrCpy $1 "$INSTDIR"
  StrCpy $2 "${UNPACKED}"
  Call MoveTopLevel
  StrCpy $1 "${RETIRED}"
  StrCpy $2 "$INSTDIR"
  Call MoveTopLevel
  StrCpy $0 "$INSTDIR\${LIST}"
  Call MoveTopLevel
  RMDir "${RETIRED}"
FunctionEnd

; Deletes the old version's files; what else lay among them is kept and told.
Function ClearRetired
  ${If} ${FileExists} "${RETIRED}\*.*"
    StrCpy $0 "$INSTDIR\${LIST}"
    StrCpy $1 "${RETIRED}"
    Call DeleteListed
    RMDir "${RETIRED}"
    ${If} ${FileExists} "${RETIRED}\*.*"
      StrCpy $4 1
      ${While} ${FileExists} "$INSTDIR\kept-files-$4\*.*"
        IntOp $4 $4 + 1
      ${EndWhile}
      Rename "${RETIRED}" "$INSTDIR\kept-files-$4"
      MessageBox MB_OK|MB_ICONINFORMATION "Files that are not the program's lay among its own. They are kept in:$\r$\n$INSTDIR\kept-files-$4" /SD IDOK
    ${EndIf}
  ${EndIf}
FunctionEnd

; An earlier version in another folder.
Function RemoveFormer
  ${If} $Former != ""
  ${AndIf} $Former != $INSTDIR
    StrCpy $0 "$Former\${LIST}"
    StrCpy $1 "$Former"
    Call DeleteListed
    Delete "$Former\${LIST}"
    Delete "$Former\${UNINSTALLER}"
    RMDir "$Former"
  ${EndIf}
FunctionEnd
