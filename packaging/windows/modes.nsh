; For whom: this user (the default, without administrator rights) or everybody on this computer.

!macro Fail CODE TEXT
  StrCpy $Failure ${CODE}
  MessageBox MB_OK|MB_ICONSTOP "${TEXT}" /SD IDOK
  SetErrorLevel ${CODE}
!macroend
!define Fail "!insertmacro Fail"

Function RefuseOtherMachines
  ${IfNot} ${RunningX64}
    ${Fail} ${NOT_SUPPORTED} "This Windows is a 32-bit one. ${NAME} needs a 64-bit Windows 10 or 11 on an Intel or AMD processor."
    Quit
  ${EndIf}
  ${If} ${IsNativeARM64}
    ${Fail} ${NOT_SUPPORTED} "This computer has an ARM processor. ${NAME} for Windows needs one by Intel or AMD."
    Quit
  ${EndIf}
  ; Windows 10 version 1809, the oldest that Qt 6 supports.
  ${IfNot} ${AtLeastBuild} 17763
    ${Fail} ${NOT_SUPPORTED} "${NAME} needs Windows 10 version 1809 or later."
    Quit
  ${EndIf}
FunctionEnd

!macro IsAdministrator RESULT
  UserInfo::GetAccountType
  Pop ${RESULT}
!macroend

Function ReadCommandLine
  SetRegView 64
  StrCpy $AllUsers 0
  StrCpy $WantsDesktop 0
  StrCpy $WantsExplorer 1
  ${GetParameters} $0

  ; Without a word on it, an installation that is there is upgraded where it is.
  SetShellVarContext all
  ReadRegStr $1 SHCTX "${UNINSTALL_KEY}" "InstallLocation"
  SetShellVarContext current
  ReadRegStr $2 SHCTX "${UNINSTALL_KEY}" "InstallLocation"
  ${If} $1 != ""
  ${AndIf} $2 == ""
    StrCpy $AllUsers 1
  ${EndIf}
  ClearErrors
  ${GetOptions} $0 "/CurrentUser" $1
  ${IfNot} ${Errors}
    StrCpy $AllUsers 0
  ${EndIf}
  ClearErrors
  ${GetOptions} $0 "/AllUsers" $1
  ${IfNot} ${Errors}
    StrCpy $AllUsers 1
  ${EndIf}
  ClearErrors
  ${GetOptions} $0 "/Desktop" $1
  ${IfNot} ${Errors}
    StrCpy $WantsDesktop 1
  ${EndIf}
  ClearErrors
  ${GetOptions} $0 "/NoExplorer" $1
  ${IfNot} ${Errors}
    StrCpy $WantsExplorer 0
  ${EndIf}

  ${If} $AllUsers == 1
    !insertmacro IsAdministrator $1
    ${If} $1 != "Admin"
      ${If} ${Silent}
        SetErrorLevel ${ACCESS_DENIED}
        Quit
      ${EndIf}
      Call StartAsAdministrator
    ${EndIf}
  ${EndIf}
FunctionEnd

Function StartAsAdministrator
  ; Leaves this process only when the other one has started; the user may have declined.
  ${GetParameters} $0
  ${If} $GivenFolder != ""
    ; NSIS takes /D= off the command line; the last there, as it wants it.
    StrCpy $0 "$0 /D=$GivenFolder"
  ${EndIf}
  ClearErrors
  ExecShell "runas" "$EXEPATH" "/AllUsers $0"
  ${If} ${Errors}
    StrCpy $AllUsers 0
  ${Else}
    Quit
  ${EndIf}
FunctionEnd

Function ApplyMode
  SetShellVarContext current
  StrCpy $0 "$LOCALAPPDATA\Programs\${NAME}"
  ${If} $AllUsers == 1
    SetShellVarContext all
    StrCpy $0 "$PROGRAMFILES64\${NAME}"
  ${EndIf}
  ReadRegStr $Former SHCTX "${UNINSTALL_KEY}" "InstallLocation"
  ${If} $Former != ""
    StrCpy $0 $Former
  ${EndIf}
  ${If} $GivenFolder != ""
    StrCpy $0 $GivenFolder
  ${EndIf}
  StrCpy $INSTDIR $0
FunctionEnd

Function ShowModePage
  !insertmacro MUI_HEADER_TEXT "For whom?" "Only the second choice needs administrator rights."
  nsDialogs::Create 1018
  Pop $0
  ${NSD_CreateRadioButton} 0 10u 100% 12u "For &me only"
  Pop $MeButton
  ${NSD_CreateLabel} 12u 23u 95% 12u "No administrator rights needed."
  Pop $0
  ${NSD_CreateRadioButton} 0 45u 100% 12u "For &everybody who uses this computer"
  Pop $EverybodyButton
  ${NSD_CreateLabel} 12u 58u 95% 20u "Windows will ask for an administrator. Settings and results stay each user's own."
  Pop $0
  ${If} $AllUsers == 1
    ${NSD_Check} $EverybodyButton
  ${Else}
    ${NSD_Check} $MeButton
  ${EndIf}
  nsDialogs::Show
FunctionEnd

Function LeaveModePage
  ${NSD_GetState} $EverybodyButton $AllUsers
  !insertmacro IsAdministrator $1
  ${If} $AllUsers == 1
  ${AndIf} $1 != "Admin"
    Call StartAsAdministrator
    ; Still here: it was declined.
    Abort
  ${EndIf}
  Call ApplyMode
FunctionEnd

Function un.FindMode
  SetRegView 64
  SetShellVarContext current
  ReadRegStr $0 SHCTX "${UNINSTALL_KEY}" "InstallLocation"
  StrCpy $AllUsers 0
  ${If} $0 != $INSTDIR
    StrCpy $AllUsers 1
    SetShellVarContext all
    !insertmacro IsAdministrator $1
    ${If} $1 != "Admin"
      ${If} ${Silent}
        SetErrorLevel ${ACCESS_DENIED}
        Quit
      ${EndIf}
      ClearErrors
      ExecShell "runas" "$INSTDIR\${UNINSTALLER}"
      Quit
    ${EndIf}
  ${EndIf}
FunctionEnd
