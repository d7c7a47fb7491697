; Installer of Gliascope for Windows. Compiled by installer.py, which defines:
;   VERSION          as pyproject.toml has it           FILE_VERSION   the same as a.b.c.d
;   OUTPUT           the installer's path               PAYLOAD        payload.nsh, made from the frozen program
;   PAYLOAD_MB       room the program takes             PAYLOAD_KB     the same for Add or Remove Programs
;   LONGEST          characters of its longest path     ICON, LICENCE  files
;   MACHINE          x86-unicode or amd64-unicode: the installer's own machine code
;   SIGN             command that signs a file, left undefined where there is no certificate
;
; Command line:  /S  silent      /CurrentUser  /AllUsers      /Desktop  entry on the desktop
;                /NoExplorer  no "Open with Gliascope"        /D=FOLDER  last, without quotes

Target ${MACHINE}
Unicode true
SetCompressor lzma
SetCompressorDictSize 64
SetDateSave off
CRCCheck force
AllowSkipFiles off
RequestExecutionLevel user
ManifestSupportedOS Win10
ManifestDPIAware true
ManifestLongPathAware true

!include MUI2.nsh
!include LogicLib.nsh
!include FileFunc.nsh
!include TextFunc.nsh
!include WinVer.nsh
!include x64.nsh
!include nsDialogs.nsh

!define NAME "Gliascope"
!define WINDOW_PROGRAM "Gliascope.exe"
!define CONSOLE_PROGRAM "gliascope-cli.exe"
!define UNINSTALLER "Uninstall.exe"
!define LIST "installed-files.txt"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${NAME}"

; Exit codes are Windows' own error numbers, which tools for deployment know.
!define ACCESS_DENIED 5
!define PROGRAM_RUNS 32        ; ERROR_SHARING_VIOLATION
!define NOT_SUPPORTED 50
!define DISK_FULL 112
!define PATH_TOO_LONG 206      ; ERROR_FILENAME_EXCED_RANGE

Name "${NAME}"
OutFile "${OUTPUT}"
InstallDir ""
BrandingText "${NAME} ${VERSION}. For research use. Not a medical device."
VIProductVersion ${FILE_VERSION}
VIFileVersion ${FILE_VERSION}
VIAddVersionKey ProductName "${NAME}"
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey FileDescription "${NAME} installer"
VIAddVersionKey CompanyName "${NAME}"
VIAddVersionKey LegalCopyright "Apache License 2.0"

!ifdef SIGN
  !uninstfinalize '${SIGN} "%1"' = 0
  !finalize '${SIGN} "%1"' = 0
!endif

Var AllUsers       ; 1 for everybody on this computer, 0 for this user
Var GivenFolder    ; from /D=, else empty
Var Former         ; where an earlier version lies, else empty
Var WantsDesktop
Var WantsExplorer
Var Failure        ; exit code for .onInstFailed
Var MeButton
Var EverybodyButton

!include "${PAYLOAD}"
!include modes.nsh
!include files.nsh
!include entries.nsh

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_ABORTWARNING
!define MUI_WELCOMEPAGE_TITLE "${NAME} ${VERSION}"
!define MUI_WELCOMEPAGE_TEXT "Outlines and measures the sub-regions of brain tumours in MR studies, on this computer alone: nothing is downloaded, nothing is sent.$\r$\n$\r$\nFor research use. Not a medical device.$\r$\n$\r$\nThe program takes ${PAYLOAD_MB} MB. Administrator rights are not needed to install it for yourself."
!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_LICENSE "${LICENCE}"
Page custom ShowModePage LeaveModePage
!insertmacro MUI_PAGE_COMPONENTS
!define MUI_PAGE_CUSTOMFUNCTION_LEAVE CheckFolder
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!define MUI_FINISHPAGE_RUN
!define MUI_FINISHPAGE_RUN_TEXT "Open ${NAME}"
!define MUI_FINISHPAGE_RUN_FUNCTION OpenProgram
!insertmacro MUI_PAGE_FINISH

!define MUI_UNCONFIRMPAGE_TEXT_TOP "Only the program is removed. Your settings, results and studies stay where they are."
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE English

Section "${NAME}" ProgramSection
  SectionIn RO
  AddSize 0
  Call CheckFolder
  Call UnpackBeside
  Call ExchangePrograms
  SetOutPath "$INSTDIR"
  WriteUninstaller "$INSTDIR\${UNINSTALLER}"
  Call WriteEntries
SectionEnd

Section "Open with ${NAME}" ExplorerSection
  Call WriteExplorerEntries
SectionEnd

Section /o "Entry on the desktop" DesktopSection
  CreateShortcut "$DESKTOP\${NAME}.lnk" "$INSTDIR\${WINDOW_PROGRAM}"
SectionEnd

Section "-Done"
  ; An earlier version may have left them.
  ${IfNot} ${SectionIsSelected} ${ExplorerSection}
    !insertmacro RemoveExplorerEntries
  ${EndIf}
  ${RefreshShellIcons}
SectionEnd

!insertmacro MUI_FUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${ProgramSection} "The program with its network, sample study and start menu entry."
  !insertmacro MUI_DESCRIPTION_TEXT ${ExplorerSection} "In the context menu of folders, and among the programs that open .dcm files. What opens them by default stays."
  !insertmacro MUI_DESCRIPTION_TEXT ${DesktopSection} "A second entry beside the one in the start menu."
!insertmacro MUI_FUNCTION_DESCRIPTION_END

Function .onInit
  StrCpy $Failure 2
  Call RefuseOtherMachines
  StrCpy $GivenFolder $INSTDIR
  Call ReadCommandLine
  Call ApplyMode
  ${If} $WantsDesktop == 1
    SectionSetFlags ${DesktopSection} ${SF_SELECTED}
  ${EndIf}
  ${If} $WantsExplorer == 0
    SectionSetFlags ${ExplorerSection} 0
  ${EndIf}
  SectionSetSize ${ProgramSection} ${PAYLOAD_KB}
FunctionEnd

Function .onInstFailed
  Call ForgetUnpacked
  SetErrorLevel $Failure
FunctionEnd

Function OpenProgram
  ; Through Explorer, so that the program does not inherit the installer's administrator rights.
  Exec '"$WINDIR\explorer.exe" "$INSTDIR\${WINDOW_PROGRAM}"'
FunctionEnd

Section un.Program
  Call un.RefuseWhileRunning
  Call un.RemoveEntries
  StrCpy $0 "$INSTDIR\${LIST}"
  StrCpy $1 "$INSTDIR"
  Call un.DeleteListed
  Delete "$INSTDIR\${LIST}"
  Delete "$INSTDIR\${UNINSTALLER}"
  SetOutPath "$TEMP"
  RMDir "$INSTDIR"
  ${RefreshShellIcons}
SectionEnd

Function un.onInit
  StrCpy $Failure 2
  Call un.FindMode
FunctionEnd

Function un.onUninstFailed
  SetErrorLevel $Failure
FunctionEnd
