# How the module loads, and what every one of its cmdlets promises.

BeforeDiscovery {
    Import-Module "$PSScriptRoot/Common.psm1"
    Import-Module $ModulePath
    $cmdlets = @(Get-Command -Module AzureIaaS)
}

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome | Out-Null
}

AfterAll { Exit-TestHome }

Describe 'Cmdlet <_.Name>' -ForEach $cmdlets {
    It 'has an approved verb' { (Get-Verb $_.Verb).Verb | Should -Be $_.Verb }

    It 'has a singular noun with the prefix IaaS' {
        $_.Noun | Should -MatchExactly '^IaaS(Vm|[A-Z][a-z]+)*$'
        $_.Noun -replace 'IaaS' | Should -Not -Match '[^s]s$'
    }

    It 'says what it gives out' { $_.OutputType | Should -Not -BeNullOrEmpty }

    It 'asks before it changes machines or operations' {
        if ($_.Verb -in 'Get', 'Wait', 'Connect', 'Disconnect', 'Watch', 'Test', 'Measure', 'Compare') { return }
        $_.Parameters.Keys | Should -Contain WhatIf
        $_.Parameters.Keys | Should -Contain Confirm
    }

    It 'takes machines by value only, under every name people try' {
        # Import-IaaSVm takes machines themselves, of another context; a name would be a path.
        if (-not $_.Parameters.ContainsKey('Vm') -or $_.Name -eq 'Import-IaaSVm') { return }
        $parameter = $_.Parameters['Vm']
        $parameter.Aliases | Should -Be 'Name', 'VMName', 'InputObject'
        $parameter.ParameterType.Name | Should -Be 'VmReference[]'
        $set = $parameter.ParameterSets.Values | Select-Object -First 1
        $set.ValueFromPipeline | Should -BeTrue
        $set.ValueFromPipelineByPropertyName | Should -BeFalse
        # Joining reads: Join-IaaSNetwork corp web*.
        $set.Position | Should -Be ($_.Name -eq 'Join-IaaSNetwork' ? 1 : 0)
    }

    It 'works in a context that is named' {
        if ($_.Noun -in 'IaaS', 'IaaSContext') { return }
        $_.Parameters.Keys | Should -Contain Context
    }

    It 'has parameters in Pascal case, none of which PowerShell keeps for itself' {
        foreach ($name in $_.Parameters.Keys) { $name | Should -MatchExactly '^[A-Z][A-Za-z]*$' }
    }
}

Describe 'The manifest' {
    BeforeAll { $manifest = Test-ModuleManifest $ModulePath }

    It 'exports what the assembly has, by name' {
        $written = (Import-PowerShellDataFile $ModulePath).CmdletsToExport
        $written | Should -Not -Contain '*'
        $assembly = Import-Module (Join-Path $RepositoryRoot 'bin/AzureIaaS.dll') -PassThru -Scope Local
        $written | Sort-Object | Should -Be ($assembly.ExportedCmdlets.Keys | Sort-Object)
        Remove-Module $assembly
        Import-Module $ModulePath
    }

    It 'names files that exist' {
        foreach ($file in $manifest.RootModule, $manifest.ExportedFormatFiles) { Join-Path $RepositoryRoot ($file -replace [regex]::Escape("$RepositoryRoot/")) | Should -Exist }
    }

    It 'has the version of the assembly' {
        $manifest.Version.ToString(3) | Should -Be ([Reflection.AssemblyName]::GetAssemblyName("$RepositoryRoot/bin/AzureIaaS.dll").Version.ToString(3))
    }
}

Describe 'Loading' {
    It 'keeps its cmdlets when imported with -Force, twice' {
        $answer = Invoke-Shell "Import-Module '$ModulePath' -Force; Import-Module '$ModulePath' -Force; (Get-Command -Module AzureIaaS).Count; (Get-IaaSContext).Count"
        $answer | Should -Be "$((Get-Command -Module AzureIaaS).Count)", "$(@(Get-IaaSContext).Count)"
    }

    It 'can be removed and imported again' {
        $answer = Invoke-Shell "Get-IaaSContext | Out-Null; Remove-Module AzureIaaS; [bool](Get-Module AzureIaaS); Import-Module '$ModulePath'; (Get-IaaSContext).Count"
        $answer | Should -Be 'False', "$(@(Get-IaaSContext).Count)"
    }

    It 'gives its types to scripts' {
        Invoke-Shell '$vm = [AzureIaaS.VirtualMachine]::new(); $vm.Name = "a"; "$vm $($vm.State) $([AzureIaaS.MachineState]::Running)"' | Should -Be 'a Unknown Running'
    }

    It 'resolves its commands without an import when it is on the module path' {
        $modules = Join-Path $TestHome modules
        New-Item -ItemType Directory $modules | Out-Null
        New-Item -ItemType SymbolicLink (Join-Path $modules AzureIaaS) -Target $RepositoryRoot | Out-Null
        $answer = & $PowerShellPath -NoProfile -NonInteractive -Command "`$env:PSModulePath = '$modules' + [IO.Path]::PathSeparator + `$env:PSModulePath; (Get-IaaSContext).Count"
        $answer | Should -Be "$(@(Get-IaaSContext).Count)"
    } -Skip:$IsWindows

    It 'keeps Core out of the private folder, where a second copy would break every cast' {
        "$RepositoryRoot/bin/deps/AzureIaaS.Core.dll" | Should -Not -Exist
        "$RepositoryRoot/bin/Microsoft.Data.Sqlite.dll" | Should -Not -Exist
    }

    It 'loads <Order> a module that brings another Microsoft.Data.Sqlite' -ForEach @(
        @{ Order = 'after'; First = 'Other'; Then = 'Own' }
        @{ Order = 'before'; First = 'Own'; Then = 'Other' }
    ) {
        $other = Join-Path $TestHome "Other$Order"
        New-Item -ItemType Directory $other | Out-Null
        # An assembly of the same name and another version, with a type of the same name that can do nothing.
        Add-Type -OutputAssembly (Join-Path $other Microsoft.Data.Sqlite.dll) -TypeDefinition @'
[assembly: System.Reflection.AssemblyVersion("99.0.0.0")]
namespace Microsoft.Data.Sqlite { public class SqliteConnection { public static string Who() { return "other"; } } }
'@
        '@{ ModuleVersion = "1.0"; RootModule = "Other.psm1"; RequiredAssemblies = "Microsoft.Data.Sqlite.dll" }' | Set-Content (Join-Path $other Other.psd1)
        'function Get-Who { [Microsoft.Data.Sqlite.SqliteConnection]::Who() }' | Set-Content (Join-Path $other Other.psm1)
        Rename-Item (Join-Path $other Other.psd1) "Other$Order.psd1"
        $steps = @{
            Own   = "Import-Module '$ModulePath'; @(Get-IaaSVm).Count"
            Other = "Import-Module '$other/Other$Order.psd1'; Get-Who"
        }
        $answer = & $PowerShellPath -NoProfile -NonInteractive -Command "$($steps[$First]); $($steps[$Then]); @(Get-IaaSVm -ErrorAction Stop).Count; Get-Who"
        $answer | Should -Be ($First -eq 'Own' ? @('0', 'other', '0', 'other') : @('other', '0', '0', 'other'))
    }
}
