; Stands in for the frozen program where the installer is checked: with /hold it runs on until the
; file named goes away, as a program with an open window would.
Target amd64-unicode
Unicode true
Name "stand-in"
OutFile "${OUTPUT}"
RequestExecutionLevel user
SilentInstall silent
ManifestSupportedOS all
!include FileFunc.nsh
!include LogicLib.nsh
Section
  ${GetParameters} $0
  ${GetOptions} $0 "/hold=" $1
  ${DoWhile} ${FileExists} "$1"
    Sleep 100
  ${Loop}
SectionEnd
