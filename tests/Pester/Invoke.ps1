<#
.SYNOPSIS
Runs the tests of the built module.
.DESCRIPTION
Needs Pester 5 and a built module (./build.sh build, or ./build.ps1 -Task Build). Prints a summary, and ends with exit code 1 when a test
failed, 12 when something it needs is missing.
.PARAMETER ResultPath
The file for the results, as NUnit XML; none is written when left out.
.PARAMETER Path
The test files to run; all of this folder when left out.
.PARAMETER Name
Only the tests whose full names match these patterns.
.PARAMETER Detailed
Say every test's name.
.EXAMPLE
./tests/Pester/Invoke.ps1 -ResultPath results.xml
.EXAMPLE
./tests/Pester/Invoke.ps1 -Path tests/Pester/Binding.Tests.ps1 -Detailed
#>
[CmdletBinding()]
param(
    [string]$ResultPath,
    [string[]]$Path = $PSScriptRoot,
    [string[]]$Name,
    [switch]$Detailed
)

$ErrorActionPreference = 'Stop'
$pester = Get-Module Pester -ListAvailable | Where-Object { $_.Version.Major -eq 5 } | Sort-Object Version | Select-Object -Last 1
if (-not $pester) {
    Write-Host 'Pester 5 is missing. Install it: Install-Module Pester -RequiredVersion 5.7.1 -Scope CurrentUser -SkipPublisherCheck'
    exit 12
}
if (-not (Test-Path "$PSScriptRoot/../../bin/AzureIaaS.dll")) {
    Write-Host 'The module has not been built. Run ./build.sh build, or ./build.ps1 -Task Build, first.'
    exit 12
}
Import-Module $pester

$configuration = New-PesterConfiguration
$configuration.Run.Path = $Path
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = $Detailed ? 'Detailed' : 'Normal'
$configuration.Output.RenderMode = 'Plaintext'
if ($Name) { $configuration.Filter.FullName = $Name }
if ($ResultPath) {
    $configuration.TestResult.Enabled = $true
    $configuration.TestResult.OutputFormat = 'NUnitXml'
    $configuration.TestResult.OutputPath = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($ResultPath)
}

# Progress is drawn for people; here it would only be in the way of the results.
$global:ProgressPreference = 'SilentlyContinue'
$result = Invoke-Pester -Configuration $configuration
$failedBlocks = $result.FailedBlocksCount + $result.FailedContainersCount
Write-Host ('Pester: {0} passed, {1} failed, {2} skipped in {3:0} s' -f $result.PassedCount, ($result.FailedCount + $failedBlocks), $result.SkippedCount, $result.Duration.TotalSeconds)
exit ($result.Result -eq 'Passed' ? 0 : 1)
