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
        (Get-Completion 'Wait-IaaSVm web01 -For ').CompletionText | Should -Be 'Agent', 'Console', 'Flattened', 'Ping', 'Port', 'Running', 'SignOfLife', 'Stopped'
        (Get-Completion 'Import-IaaSVm x -Firmware U').CompletionText | Should -Contain 'Uefi'
    }

    It 'nothing, without an error, where the context does not exist' {
        (Get-Completion 'Start-IaaSVm -Context nowhere -Vm w').Where{ $_.ResultType -eq 'ParameterValue' } | Should -BeNullOrEmpty
    }

    It 'hosts, with what they are as a hint' {
        (Get-Completion 'Get-IaaSHost ').CompletionText | Should -Be 'host1', 'host2', 'host3'
        foreach ($line in 'Suspend-IaaSHost HOST2', 'Resume-IaaSHost -Name host2', 'Stop-IaaSHost host2', 'Remove-IaaSHost host2', 'Move-IaaSVm web01 host2', 'Invoke-IaaSFailover web01 -Kind Planned -TargetHost host2') {
            (Get-Completion $line).CompletionText | Should -Be 'host2' -Because $line
        }
        (Get-Completion 'Get-IaaSHost host2').ToolTip | Should -Be 'host2: Up, fault domain 1, update domain 1'
    }

    It 'checkpoints of the machine that was named, those with a blank in quotes' {
        'before update', 'after' | ForEach-Object { Checkpoint-IaaSVm web01 $_ } | Out-Null
        (Get-Completion 'Restore-IaaSVmCheckpoint web01 ').CompletionText | Should -Be "'before update'", 'after'
        (Get-Completion 'Remove-IaaSVmCheckpoint -Name web01 -CheckpointName b').CompletionText | Should -Be "'before update'"
        (Get-Completion 'Get-IaaSVmCheckpoint web01 A').CompletionText | Should -Be after
        (Get-Completion 'Restore-IaaSVmCheckpoint web02 ').Where{ $_.ResultType -eq 'ParameterValue' } | Should -BeNullOrEmpty
        Get-IaaSVmCheckpoint | Remove-IaaSVmCheckpoint
    }

    It 'disks of the machine that was named' {
        Add-IaaSVmDisk web01 1GB | Out-Null
        (Get-Completion 'Remove-IaaSVmDisk web01 ').CompletionText | Should -Be 'disk0', 'disk1'
        (Get-Completion 'Remove-IaaSVmDisk web01 disk1').ToolTip | Should -Be 'disk1: 1 GB, Ide'
    }

    It 'checks, kinds and shells' {
        (Get-Completion 'Invoke-IaaSFailover web01 -Check ').CompletionText | Should -Be 'Process', 'SignOfLife', 'Console', 'Agent', 'Port', 'Ping'
        (Get-Completion 'Invoke-IaaSFailover web01 -Kind ').CompletionText | Should -Be 'Planned', 'Test', 'Unplanned'
        (Get-Completion 'Invoke-IaaSVmCommand web01 id -Shell ').CompletionText | Should -Be 'Cmd', 'PowerShell', 'Sh'
    }

    It 'machines, for every cmdlet that takes them' {
        foreach ($name in (Get-Command -Module AzureIaaS | Where-Object { $_.Parameters.ContainsKey('Vm') -and $_.Parameters.Vm.ParameterType -ne [AzureIaaS.VirtualMachine[]] }).Name) { (Get-Completion "$name $($name -eq 'Join-IaaSNetwork' ? 'corp ' : '')web02").CompletionText | Should -Be web02 -Because $name }
    }
}
