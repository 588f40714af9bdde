<#
.SYNOPSIS
Builds AzureIaaS; runs its demo, tests and benchmarks; builds its help; packs the module.
.DESCRIPTION
For PowerShell users on any platform; ./build.sh does the same for any shell, and on Debian and Ubuntu installs what the demo and the tests
need. Needs the .NET SDK 10.
.PARAMETER Task
What to do:
Build makes the module and the command line, in bin/.
Demo builds, then turns two disk images into two running machines, one of which remembers its boots.
Test builds, then runs every test there is.
Bench builds, then measures speed, as ratios to qemu-img and cp.
Help builds en-US/ from docs/cmdlets/ with platyPS; after a change of the documentation.
Package builds, then packs the module as a folder and a zip file in artifacts/, and tries it in a new PowerShell.
.PARAMETER Argument
What the demo, the tests or the benchmarks are to be told.
.EXAMPLE
./build.ps1
Builds the module; then: Import-Module ./AzureIaaS.psd1
.EXAMPLE
./build.ps1 -Task Test
Builds, and runs every test there is.
.EXAMPLE
./build.ps1 -Task Help, Package
Builds the help, then the package with it.
#>
[CmdletBinding()]
param(
    [Parameter(Position = 0)]
    [ValidateSet('Build', 'Demo', 'Test', 'Bench', 'Help', 'Package')]
    [string[]]$Task = 'Build',

    [Parameter(Position = 1, ValueFromRemainingArguments)]
    [string[]]$Argument = @()
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$env:DOTNET_NOLOGO = $env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'
$NotInstalled = 12

function Stop-Build {
    param([string]$Message, [int]$ExitCode = 1)
    Write-Host "build.ps1: $Message"
    exit $ExitCode
}

function Invoke-Program {
    param([string]$Program, [string[]]$Arguments)
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

function Invoke-Build {
    if (-not (Get-Command dotnet -ErrorAction Ignore)) {
        Stop-Build 'the .NET SDK 10 is missing. Install it from https://dotnet.microsoft.com/download' $NotInstalled
    }
    Invoke-Program dotnet 'build', 'AzureIaaS.slnx', '-c', 'Release', '-v', 'quiet', '--nologo'
}

function Invoke-Project {
    param([string]$Project, [string[]]$Arguments)
    Invoke-Program dotnet (@('run', '-c', 'Release', '--no-build', '--project', $Project, '--') + $Arguments)
}

function Build-Help {
    # The successor of platyPS puts an example's code into its text, where Get-Help and its readers do not look for it.
    if (-not (Get-Module platyPS -ListAvailable)) {
        Stop-Build 'platyPS is missing. Install it: Install-Module platyPS -RequiredVersion 0.14.2 -Scope CurrentUser' $NotInstalled
    }
    # In a PowerShell of its own: platyPS brings libraries that would stay loaded.
    $made = Invoke-Shell "Import-Module platyPS; (New-ExternalHelp -Path docs/cmdlets -OutputPath en-US -Force).FullName"
    Write-Host "build.ps1: $made has been built from docs/cmdlets"
}

function Invoke-Shell {
    param([string]$Command)
    Invoke-Program (Get-Process -Id $PID).Path '-NoLogo', '-NoProfile', '-NonInteractive', '-Command', "`$ErrorActionPreference = 'Stop'; $Command"
}

function New-Package {
    $version = (Import-PowerShellDataFile AzureIaaS.psd1).ModuleVersion
    $artifacts = Join-Path $PSScriptRoot 'artifacts'
    $module = Join-Path $artifacts 'AzureIaaS'
    $folder = Join-Path $module $version
    $archive = Join-Path $artifacts "AzureIaaS-$version.zip"
    Remove-Item $module, $archive -Recurse -Force -ErrorAction Ignore
    New-Item -ItemType Directory $folder | Out-Null

    Copy-Item AzureIaaS.psd1, LICENSE, en-US, bin $folder -Recurse
    # The command line is not part of the module, nor is what only compilers and builds read.
    Remove-Item (Join-Path $folder 'bin/cli') -Recurse -ErrorAction Ignore
    Get-ChildItem (Join-Path $folder 'bin') -Recurse -Force -Include *.xml, .stamp | Remove-Item -Force

    Test-Package $artifacts $version
    [IO.Compression.ZipFile]::CreateFromDirectory($module, $archive, 'Optimal', $true)
    Write-Host ('build.ps1: {0} ({1:0.0} MB) can be unpacked into any folder of $env:PSModulePath' -f $archive, ((Get-Item $archive).Length / 1MB))
}

function Test-Package {
    param([string]$ModulePath, [string]$Version)
    $trial = Join-Path ([IO.Path]::GetTempPath()) "azureiaas-$([guid]::NewGuid())"
    try {
        $answer = Invoke-Shell @"
`$env:PSModulePath = '$ModulePath' + [IO.Path]::PathSeparator + `$env:PSModulePath
`$env:XDG_CONFIG_HOME = '$trial/config'
`$module = Import-Module AzureIaaS -RequiredVersion $Version -PassThru
`$wanted = (Import-PowerShellDataFile (Join-Path `$module.ModuleBase AzureIaaS.psd1)).CmdletsToExport
if (Compare-Object `$wanted @(`$module.ExportedCmdlets.Keys)) { throw 'It does not export what its manifest says.' }
if (-not (Get-Help Start-IaaSVm).Synopsis.EndsWith('.')) { throw 'Its help is not found.' }
if (-not (Get-IaaSContext)) { throw 'It has no context.' }
# With a store, too; only where that leaves the user's own list of contexts alone.
if (`$IsLinux) {
    Connect-IaaS -Path '$trial/fabric' -Hypervisor Simulated -Name package | Out-Null
    if (@(Get-IaaSVm).Count -ne 0) { throw 'A new fabric is not empty.' }
}
"`$(`$module.Name) `$(`$module.Version): `$(`$wanted.Count) cmdlets"
"@
        Write-Host "build.ps1: the package works in a new PowerShell: $answer"
    }
    finally { Remove-Item $trial -Recurse -Force -ErrorAction Ignore }
}

Push-Location $PSScriptRoot
try {
    foreach ($name in $Task) {
        if ($name -ne 'Help') { Invoke-Build }
        switch ($name) {
            'Demo' { Invoke-Project tests/Demo $Argument }
            'Test' { Invoke-Project tests/Runner $Argument }
            'Bench' { Invoke-Project tests/Benchmarks $Argument }
            'Help' { Build-Help }
            'Package' { New-Package }
        }
    }
}
finally { Pop-Location }
