# The hosts of a fabric: shown, added, emptied, lost, brought back and removed, under simulated machines.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    $fabric = (Enter-TestHome).Path
    $image = (New-TestImage (Join-Path $TestHome image.raw)).FullName
}

AfterAll { Exit-TestHome }

Describe 'A new fabric' {
    It 'has three hosts in three fault domains, up and empty' {
        $hosts = Get-IaaSHost
        $hosts.Name | Should -Be 'host1', 'host2', 'host3'
        $hosts.FaultDomain | Should -Be 0, 1, 2
        $hosts.State | Select-Object -Unique | Should -Be Up
        $hosts.Machines | Should -BeNullOrEmpty
        $hosts.Context | Select-Object -Unique | Should -Be test
    }
}

Describe 'A host is named' {
    It 'by its name in any case, by a pattern, and by several' {
        (Get-IaaSHost HOST2).Name | Should -Be host2
        (Get-IaaSHost -Name 'host[13]').Name | Should -Be 'host1', 'host3'
        (Get-IaaSHost host3, host1).Name | Should -Be 'host3', 'host1'
        Get-IaaSHost none* -ErrorAction Stop | Should -BeNullOrEmpty
    }

    It 'on the pipeline: by text, by itself, and by what files have made of it' {
        ('host2' | Get-IaaSHost).Name | Should -Be host2
        (Get-IaaSHost host2 | Get-IaaSHost).Name | Should -Be host2
        ([pscustomobject]@{ Name = 'host3' } | Get-IaaSHost).Name | Should -Be host3
        $file = Join-Path $TestHome hosts
        Get-IaaSHost | Export-Clixml "$file.xml"
        (Import-Clixml "$file.xml" | Get-IaaSHost).Name | Should -Be 'host1', 'host2', 'host3'
        Get-IaaSHost host1 | Export-Csv "$file.csv"
        (Import-Csv "$file.csv" | Get-IaaSHost).Name | Should -Be host1
        (Get-IaaSHost host1 | Select-Object Name | Get-IaaSHost).Name | Should -Be host1
    }

    It 'and an unknown or empty name is an error, after which the others have their turn' {
        Assert-Refused { Get-IaaSHost nowhere -ErrorAction Stop } HostNotFound ObjectNotFound 'Get-IaaSHost'
        $found = Get-IaaSHost nowhere, host1 -ErrorAction SilentlyContinue -ErrorVariable failures
        $found.Name | Should -Be host1
        $failures.TargetObject | Should -Be nowhere
        foreach ($command in 'Get', 'Suspend', 'Resume', 'Remove') { { & "$command-IaaSHost" '' -ErrorAction Stop } | Should -Throw -ErrorId 'ParameterArgumentValidationError*' }
    }

    It 'of another context by a host on the pipeline, wherever one is' {
        New-TestFabric (Join-Path $TestHome other) -Name other | Out-Null
        Connect-IaaS $fabric -Hypervisor Simulated -Name test | Out-Null
        Get-IaaSHost host1 -Context other | Suspend-IaaSHost | Out-Null
        (Get-IaaSHost host1 -Context other).State | Should -Be Draining
        (Get-IaaSHost host1).State | Should -Be Up
        (Get-IaaSHost host1 -Context other | Resume-IaaSHost).Context | Should -Be other
        (Get-IaaSHost host2 -Context other | Stop-IaaSHost -Force -Confirm:$false).Context | Should -Be other
        (Get-IaaSHost host2 -Context other).State, (Get-IaaSHost host2).State | Should -Be 'Down', 'Up'
        Get-IaaSHost host3 -Context other | Remove-IaaSHost
        (Get-IaaSHost -Context other).Name | Should -Be 'host1', 'host2'
        (Get-IaaSHost).Count | Should -Be 3
    }
}

Describe 'A new host' {
    AfterEach { Get-IaaSHost | Where-Object Name -NotIn host1, host2, host3 | Remove-IaaSHost }

    It 'is given out with what was said of it' {
        $made = New-IaaSHost big -FaultDomain 3 -UpdateDomain 4 -Cpu 32 -Memory 128GB
        $made.Name, $made.FaultDomain, $made.UpdateDomain, $made.Cpu, $made.Memory, $made.State, $made.Context | Should -Be 'big', 3, 4, 32, 128GB, 'Up', 'test'
        (Get-IaaSHost big).Memory | Should -Be 128GB
    }

    It 'has a size of its own where none is given, and takes sizes as text' {
        $made = New-IaaSHost -Name plain
        $made.Cpu, $made.Memory, $made.FaultDomain | Should -Be 16, 64GB, 0
        (New-IaaSHost text -Memory '1.5 GB').Memory | Should -Be 1536MB
    }

    It 'comes from a row of a table' {
        $made = "Name,FaultDomain,UpdateDomain,Cpu,Memory`na,1,2,4,8GB`nb,2,3,8,16GB" | ConvertFrom-Csv | New-IaaSHost
        $made.Name | Should -Be 'a', 'b'
        $made.Memory | Should -Be 8GB, 16GB
        $made.UpdateDomain | Should -Be 2, 3
    }

    It 'is copied from another context into this one' {
        New-IaaSHost extra -Cpu 2 -Memory 4GB -Context other | Out-Null
        (Get-IaaSHost extra -Context other | New-IaaSHost).Context | Should -Be test
        (Get-IaaSHost extra).Memory | Should -Be 4GB
    }

    It 'is refused: <Id> by <Parameters.Keys>' -ForEach @(
        @{ Id = 'HostNameTaken'; Category = 'ResourceExists'; Parameters = @{ Name = 'HOST1' }; Remedy = 'another name' }
        @{ Id = 'InvalidHostName'; Category = 'InvalidArgument'; Parameters = @{ Name = 'a/b' }; Remedy = 'another name' }
        @{ Id = 'InvalidCpuCount'; Category = 'InvalidArgument'; Parameters = @{ Name = 'x'; Cpu = 0 }; Remedy = '-Cpu' }
        @{ Id = 'InvalidMemorySize'; Category = 'InvalidArgument'; Parameters = @{ Name = 'x'; Memory = 512 }; Remedy = '-Memory 64GB' }
        @{ Id = 'InvalidMemorySize'; Category = 'InvalidArgument'; Parameters = @{ Name = 'x'; Memory = [long]::MaxValue }; Remedy = '-Memory 64GB' }
        @{ Id = 'InvalidDomain'; Category = 'InvalidArgument'; Parameters = @{ Name = 'x'; FaultDomain = -1 }; Remedy = '-FaultDomain' }
        @{ Id = 'InvalidDomain'; Category = 'InvalidArgument'; Parameters = @{ Name = 'x'; UpdateDomain = 1000 }; Remedy = '-UpdateDomain' }
    ) {
        Assert-Refused { New-IaaSHost @Parameters -ErrorAction Stop } $Id $Category $Remedy
        (Get-IaaSHost).Count | Should -Be 3
    }

    It 'is refused with a size that is none' { { New-IaaSHost x -Memory plenty } | Should -Throw "*'plenty' is not a size*" }
}

Describe 'Hosts with machines' {
    BeforeEach {
        1..4 | ForEach-Object { Import-IaaSVm $image -Name "vm$_" -Memory 512MB -StartOrder (5 - $_) } | Start-IaaSVm | Out-Null
        Import-IaaSVm $image -Name kept | Start-IaaSVm | Stop-IaaSVm -StayProvisioned | Out-Null
    }
    AfterEach {
        Get-IaaSVm | Remove-IaaSVm -Force -Confirm:$false
        Get-IaaSHost | Where-Object Name -NotIn host1, host2, host3 | Remove-IaaSHost
        Resume-IaaSHost * | Out-Null
    }

    It 'say what is taken on them' {
        $all = Get-IaaSHost
        ($all.Machines | Sort-Object) | Should -Be 'kept', 'vm1', 'vm2', 'vm3', 'vm4'
        ($all | Measure-Object MemoryUsed -Sum).Sum | Should -Be (4 * 512MB + 1GB)
        ($all | Measure-Object CpuUsed -Sum).Sum | Should -Be 5
        foreach ($vm in Get-IaaSVm) { (Get-IaaSHost $vm.Host).Machines | Should -Contain $vm.Name }
    }

    It 'are emptied without a restart, and take nothing meanwhile' {
        $before = Get-IaaSVm
        $drained = Suspend-IaaSHost host1
        $drained.State, $drained.StateReason | Should -Be 'Draining', 'It is empty, for maintenance.'
        $drained.Machines | Should -BeNullOrEmpty
        $after = Get-IaaSVm
        $after.State | Should -Be $before.State
        $after.Host | Should -Not -Contain host1
        (Import-IaaSVm $image -Name late | Start-IaaSVm).Host | Should -Not -Be host1
        Suspend-IaaSHost host1 -ErrorAction Stop | ForEach-Object State | Should -Be Draining -Because 'twice is no error'
    }

    It 'bring back what had its place there' {
        $there = (Get-IaaSHost host1).Machines | Where-Object { $_ -ne 'kept' }
        Suspend-IaaSHost host1 | Out-Null
        (Resume-IaaSHost host1).Machines | Should -BeNullOrEmpty
        (Resume-IaaSHost host1 -ReturnMachine).Machines | Sort-Object | Should -Be ($there | Sort-Object)
    }

    It 'are emptied one update domain at a time' {
        $verbose = Suspend-IaaSHost * -Rolling -Pause 0
        $verbose.Name | Should -Be 'host1', 'host2', 'host3'
        $verbose.State | Select-Object -Unique | Should -Be Up
        (Get-IaaSVm vm*).State | Select-Object -Unique | Should -Be Running
        (Suspend-IaaSHost -UpdateDomain 1, 2).Name | Should -Be 'host2', 'host3'
    }

    It 'of a maintenance that is ended by Ctrl+C stay as they are, and the next domain has no turn' {
        $shell = [powershell]::Create()
        $running = $shell.AddScript("Import-Module '$ModulePath'; Suspend-IaaSHost * -Rolling -Pause 3600").BeginInvoke()
        Wait-Until { (Get-IaaSHost host1).StateReason -match 'empty' }
        $shell.Stop()
        Wait-Until { $running.IsCompleted }
        $shell.Dispose()
        (Get-IaaSHost).State | Should -Be 'Draining', 'Up', 'Up'
    }

    It 'keep what finds no room elsewhere, and say so' {
        Remove-IaaSVm kept -Confirm:$false
        Suspend-IaaSHost host2, host3 | Out-Null
        $drained = Suspend-IaaSHost host1 -WarningVariable said -WarningAction SilentlyContinue
        $drained.StateReason | Should -Match '4 machines could not leave'
        "$said" | Should -Match 'vm1 stays on host1: No host can take vm1'
        (Get-IaaSVm).State | Select-Object -Unique | Should -Be Running
    }

    It 'are refused where that makes no sense' {
        Assert-Refused { Remove-IaaSHost (Get-IaaSVm kept).Host -ErrorAction Stop } HostNotEmpty InvalidOperation 'Suspend-IaaSHost'
        Assert-Refused { Suspend-IaaSHost -UpdateDomain 77 -ErrorAction Stop } HostNotFound ObjectNotFound 'domains'
        Assert-Refused { Stop-IaaSHost host1 -Confirm:$false } ForceMissing InvalidArgument 'Suspend-IaaSHost'
        { Suspend-IaaSHost -Name host1 -UpdateDomain 1 } | Should -Throw -ErrorId 'AmbiguousParameterSet*'
        (Get-IaaSHost).State | Select-Object -Unique | Should -Be Up
        (Suspend-IaaSHost nowhere, host1 -ErrorAction SilentlyContinue).Name | Should -Be host1
    }

    It 'that are lost take their machines with them, at once and without a word to the guests' {
        $victims = (Get-IaaSHost host1).Machines | Where-Object { $_ -ne 'kept' }
        $lost = Stop-IaaSHost host1 -Force -Confirm:$false
        $lost.State, $lost.StateReason | Should -Be 'Down', 'It was lost.'
        foreach ($vm in Get-IaaSVm $victims) {
            $vm.State, $vm.Host, $vm.ProcessId | Should -Be 'Healing', $null, $null
            $vm.StateReason | Should -Match 'host1 was lost'
        }
        Get-IaaSVmConsole $victims[0] -Tail 1 | Should -Not -Match 'shut down'
        Assert-Refused { Suspend-IaaSHost host1 -ErrorAction Stop } HostIsDown InvalidArgument 'Resume-IaaSHost'
        (Stop-IaaSHost host1 -Force -Confirm:$false -ErrorAction Stop).State | Should -Be Down -Because 'twice is no error'
        (Resume-IaaSHost host1).State | Should -Be Up
    }

    It 'that are gone leave no place' {
        (Import-IaaSVm $image -Name vm5 | Start-IaaSVm).Host | Should -Not -BeNullOrEmpty
        Stop-IaaSHost * -Force -Confirm:$false | Out-Null
        $failure = Get-ErrorOf { Import-IaaSVm $image -Name vm6 | Start-IaaSVm -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike 'NoHostFits,*'
        $failure.CategoryInfo.Category | Should -Be LimitsExceeded
        $failure.ToString() | Should -Match 'host1: it is Down'
        $failure.ErrorDetails.RecommendedAction | Should -Match 'Resume-IaaSHost'
    }
}

Describe 'A watcher in a job of this shell' {
    BeforeAll {
        New-TestFabric (Join-Path $TestHome watched) -Name watched -Watched | Out-Null
        $watcher = Start-ThreadJob { Import-Module $using:ModulePath; Watch-IaaSFabric -Context watched -Verbose 4>&1 }
        Wait-Until { Test-Path (Join-Path $TestHome watched/locks/watcher.lock) }
        1..4 | ForEach-Object { Import-IaaSVm $image -Name "vm$_" -Memory 512MB } | Start-IaaSVm | Out-Null
    }
    AfterAll {
        Get-IaaSVm | Remove-IaaSVm -Force -Confirm:$false
        $watcher | Stop-Job -PassThru | Remove-Job -Force
        Connect-IaaS $fabric -Hypervisor Simulated -Name test | Out-Null
    }

    It 'brings the machines of a lost host back elsewhere, and reports on each' {
        $victims = (Get-IaaSHost host1).Machines
        Stop-IaaSHost host1 -Force -Confirm:$false | Out-Null
        $back = Get-IaaSVm $victims | Wait-IaaSVm -For Running -Timeout 60
        $back.Host | Should -Not -Contain host1
        Wait-Until { @(Get-IaaSFailover $victims).Count -eq $victims.Count }
        foreach ($report in Get-IaaSFailover $victims) {
            $report.Kind, $report.Outcome, $report.SourceHost | Should -Be 'Unplanned', 'Succeeded', 'host1'
            $report.Trigger | Should -Match 'host1 was lost'
            $report.Rto.TotalSeconds | Should -BeGreaterThan 0
        }
    }

    It 'lets machines wait when the last host is lost, and brings them back with the first that returns' {
        Stop-IaaSHost * -Force -Confirm:$false | Out-Null
        Wait-Until { @(Get-IaaSVm | Where-Object StateReason -Match 'waits to be brought back').Count -eq 4 }
        (Get-IaaSVm).State | Select-Object -Unique | Should -Be Healing
        (Get-IaaSHost).State | Select-Object -Unique | Should -Be Down
        (Resume-IaaSHost host2).State | Should -Be Up
        (Get-IaaSVm | Wait-IaaSVm -For Running -Timeout 60).Host | Select-Object -Unique | Should -Be host2
    }

    It 'is the only one, says what it does, and ends when it is stopped' {
        "$(Watch-IaaSFabric -Verbose 4>&1)" | Should -Match 'Another process watches this fabric already'
        $watcher | Stop-Job
        $watcher.State | Should -Be Stopped
        "$($watcher | Receive-Job)" | Should -Match 'vm\d runs again on host'
        (Get-IaaSVm).State | Select-Object -Unique | Should -Be Running
    }
}
