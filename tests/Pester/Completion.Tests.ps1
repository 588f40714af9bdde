# What the Tab key offers.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome | Out-Null
    foreach ($name in 'web01', 'web02', 'my db') { New-TestImage (Join-Path $TestHome "$name.raw") | Import-IaaSVm | Out-Null }

    function Get-Completion {
        param([string]$Line)
        (TabExpansion2 $Line $Line.Length).CompletionMatches
    }
}

AfterAll { Exit-TestHome }

Describe 'Completion of' {
    It 'machines'' names, by position and by every alias' {
        foreach ($line in 'Start-IaaSVm w', 'Get-IaaSVm -Vm w', 'Stop-IaaSVm -Name W', 'Remove-IaaSVm -VMName w', 'Wait-IaaSVm -InputObject w', 'Get-IaaSVmConsole w') {
            (Get-Completion $line).CompletionText | Should -Be 'web01', 'web02' -Because $line
        }
    }

    It 'all machines'' names, those with a blank in quotes' {
        (Get-Completion 'Start-IaaSVm ').CompletionText | Should -Be "'my db'", 'web01', 'web02'
        (Get-Completion "Start-IaaSVm 'my").CompletionText | Should -Be "'my db'"
    }

    It 'machines'' names, with what they are as a hint' {
        (Get-Completion 'Start-IaaSVm web01').ToolTip | Should -Be 'web01: Deallocated, 1 CPU, 1 GB'
    }

    It 'machines of the context that the line names' {
        New-TestFabric (Join-Path $TestHome other) -Name other | Out-Null
        New-TestImage (Join-Path $TestHome app01.raw) | Import-IaaSVm -Context other | Out-Null
        Connect-IaaS -Path (Join-Path $TestHome fabric) -Hypervisor Simulated -Name test | Out-Null
        (Get-Completion 'Start-IaaSVm -Context other -Vm ').CompletionText | Should -Be 'app01'
    }

    It 'contexts' {
        (Get-Completion 'Get-IaaSVm -Context te').CompletionText | Should -Be 'test'
        (Get-Completion 'Disconnect-IaaS te').CompletionText | Should -Be 'test'
        (Get-Completion 'Get-IaaSContext te').CompletionText | Should -Be 'test'
        (Get-Completion 'Get-IaaSVm -Context te').ToolTip | Should -Match ([regex]::Escape($TestHome))
    }

    It 'formats that can be read' {
        $formats = (Get-Completion 'Import-IaaSVm x -Format ').CompletionText
        $formats | Should -Contain vmdk
        $formats | Should -Contain raw
        $formats | Should -Not -Contain iso
        (Get-Completion 'Get-IaaSImage x -Format vh').CompletionText | Sort-Object | Should -Be 'vhd', 'vhdx'
    }

    It 'the kinds of images that can be made' {
        (Get-Completion 'Convert-IaaSImage x -Format Vhdx').CompletionText | Should -Be 'VhdxFixed', 'VhdxDynamic'
    }

    It 'what enumerations have' {
        (Get-Completion 'Connect-IaaS -Hypervisor ').CompletionText | Should -Be 'Qemu', 'Simulated'
        (Get-Completion 'Wait-IaaSVm web01 -For ').CompletionText | Should -Be 'Agent', 'Console', 'Running', 'SignOfLife', 'Stopped'
        (Get-Completion 'Import-IaaSVm x -Firmware U').CompletionText | Should -Contain 'Uefi'
    }

    It 'nothing, without an error, where the context does not exist' {
        (Get-Completion 'Start-IaaSVm -Context nowhere -Vm w').Where{ $_.ResultType -eq 'ParameterValue' } | Should -BeNullOrEmpty
    }
}
