# What is shown: every type has a table with the columns that matter, for what comes back from a job as well.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome | Out-Null
    New-TestImage (Join-Path $TestHome web01.raw) | Import-IaaSVm -Memory 1536MB -Cpu 2 | Out-Null

    function Get-Table { $input | Format-Table | Out-String -Width 400 -Stream | Where-Object { $_ } | ForEach-Object { $_ -replace '\e\[[\d;]*m' } }
}

AfterAll { Exit-TestHome }

Describe 'The table of' {
    It 'machines' {
        $table = Get-IaaSVm | Get-Table
        $table[0] -split '\s+' | Should -Be 'Name', 'State', 'Host', 'Cpu', 'Memory', 'Disk', 'IPAddress', 'Started', 'Note'
        $table[2] | Should -Match '^web01 +Deallocated +2 +1\.5 GB +1 MB'
        $table[3] | Should -BeNullOrEmpty
    }

    It 'machines that run, with the time in this place''s own and the sign of life' {
        $started = (Start-IaaSVm web01 -Wait).Started
        $table = Get-IaaSVm | Get-Table
        $table[2] | Should -Match ('^web01 +Running +host\d .* ' + $started.LocalDateTime.ToString('yyyy-MM-dd HH:mm:ss'))
        $table[2] | Should -Match 'alive: its console said: simulated'
        Stop-IaaSVm web01 | Out-Null
    }

    It 'machines that failed, with the reason' {
        $folder = Split-Path (Get-IaaSVm web01).Disks[0].Path
        Rename-Item $folder "$folder.away"
        try { (Get-IaaSVm | Get-Table)[2] | Should -Match "^web01 +Failed .* Its folder $folder is missing" }
        finally { Rename-Item "$folder.away" $folder }
    }

    It 'machines that came back from a file' {
        $xml = Join-Path $TestHome machine.xml
        Get-IaaSVm | Export-Clixml $xml -Depth 4
        (Import-Clixml $xml | Get-Table)[2] | Should -Match '^web01 +Deallocated +2 +1\.5 GB +1 MB'
        Get-IaaSVm | Export-Clixml $xml -Depth 1
        (Import-Clixml $xml | Get-Table)[2] | Should -Match '^web01 +Deallocated +2 +1\.5 GB'
    }

    It 'images' {
        $table = Get-IaaSImage (Join-Path $TestHome web01.raw) | Get-Table
        $table[0] -split '\s+' | Should -Be 'Name', 'Format', 'Variant', 'Size', 'Data', 'Partitions', 'Firmware', 'System', 'Warnings'
        $table[2] | Should -Match '^web01.raw raw .* 1 MB .* 1 \(Mbr\) +Bios'
    }

    It 'contexts' {
        $table = Get-IaaSContext test | Get-Table
        $table[0] -split '\s+' | Should -Be 'Name', 'IsCurrent', 'Provider', 'Hypervisor', 'Place'
        $table[2] | Should -Match "^test +True +Local +Simulated +$TestHome"
    }

    It 'hosts, with room for a note whatever their machines are called' {
        Start-IaaSVm web01 | Out-Null
        $table = Get-IaaSHost | Get-Table
        $table[0] -split '\s+' | Should -Be 'Name', 'State', 'Fault', 'Update', 'Cpu', 'Memory', 'Machines', 'Note'
        $table[2] | Should -Match '^host1 +Up +0 +0 +2/\d+ +1\.5 GB/[\d.]+ [GT]B +1 +web01'
        Suspend-IaaSHost host1 | Out-Null
        (Get-IaaSHost host1 | Get-Table)[2] | Should -Match '^host1 +Draining .* 0 +It is empty, for maintenance\.'
        Resume-IaaSHost host1 | Out-Null
        Stop-IaaSVm web01 | Out-Null
        $full = [AzureIaaS.FabricHost]@{ Name = 'a-host-of-a-rack'; State = 'Draining'; Cpu = 128; Memory = 1024GB; CpuUsed = 100; MemoryUsed = 900.5GB; Machines = [string[]](1..40 | ForEach-Object { "machine$_" }) }
        $narrow = $full | Format-Table | Out-String -Width 80 -Stream | Where-Object { $_ } | ForEach-Object { $_ -replace '\e\[[\d;]*m' }
        $narrow.Count | Should -Be 3 -Because 'no header and no row takes two lines'
        $narrow[0] | Should -Match ' Note\s*$'
        $narrow[2] | Should -Match ' 40 mach'
    }

    It 'hosts that came back from a file' {
        $xml = Join-Path $TestHome host.xml
        Get-IaaSHost host2 | Export-Clixml $xml
        (Import-Clixml $xml | Get-Table)[2] | Should -Match '^host2 +Up +1 +1 +0/'
    }

    It 'checkpoints' {
        $kept = Checkpoint-IaaSVm web01 'before update'
        $table = Get-IaaSVmCheckpoint | Get-Table
        $table[0] -split '\s+' | Should -Be 'VmName', 'Name', 'Created', 'Memory', 'Parent'
        $table[2] | Should -Match ('^web01 +before update +' + $kept.Created.LocalDateTime.ToString('yyyy-MM-dd HH:mm:ss') + ' +False')
        $kept | Remove-IaaSVmCheckpoint
    }

    It 'disks' {
        $table = Get-IaaSVmDisk | Get-Table
        $table[0] -split '\s+' | Should -Be 'VmName', 'Name', 'Size', 'Controller', 'Format', 'Path'
        $table[2] | Should -Match "^web01 +disk0 +1 MB +Ide +raw +$TestHome"
    }

    It 'failovers, with the reason of those that failed' {
        Invoke-IaaSFailover web01 -Kind Test | Out-Null
        Invoke-IaaSFailover web01 -Kind Test -Check { throw 'no answer' } -ErrorAction SilentlyContinue | Out-Null
        $table = Get-IaaSFailover | Get-Table
        $table[0] -split '\s+' | Should -Be 'VmName', 'Kind', 'Outcome', 'Started', 'From', 'To', 'RTO', 'RPO', 'Down', 'Note'
        $table[2] | Should -Match '^web01 +Test +Succeeded +\S+ \S+ +host\d +\d+\.\d\d s +0 s +command'
        $table[3] | Should -Match '^web01 +Test +Failed .* The check Script failed: no answer'
    }

    It 'what commands in guests did' {
        $result = [AzureIaaS.VmCommandResult]@{ VmName = 'web01'; ExitCode = 3; Output = "one`n"; Error = "two`n"; Duration = [timespan]::FromMilliseconds(1500) }
        $table = $result | Get-Table
        $table[0] -split '\s+' | Should -Be 'VmName', 'ExitCode', 'Seconds', 'Output', 'Error'
        $table[2] | Should -Match '^web01 +3 +1[.,]5 +one +two'
    }

    It 'operations' {
        $operation = [AzureIaaS.Operation]@{ Id = [guid]::Empty; Kind = 'Import'; VmName = 'web01'; State = 'Interrupted'; Step = 'copy'; Error = 'why' }
        $table = $operation | Get-Table
        $table[0] -split '\s+' | Should -Be 'Id', 'Kind', 'VmName', 'State', 'Step', 'Updated', 'Error'
        $table[2] | Should -Match '^0{8}-.* Import web01 +Interrupted copy .* why'
    }
}

Describe 'Every type that a cmdlet gives out' {
    It 'has a view' {
        $types = (Get-Command -Module AzureIaaS).OutputType.Type | Where-Object { $_ -and $_.Namespace -like 'AzureIaaS*' } | Sort-Object FullName -Unique
        foreach ($type in $types) { Get-FormatData $type.FullName | Should -Not -BeNullOrEmpty -Because $type.FullName }
    }

    It 'shows in its table what its properties say' {
        $vm = Get-IaaSVm web01
        "$($vm.State)" | Should -Be 'Deallocated'
        "$vm" | Should -Be 'web01'
    }
}

Describe 'An error' {
    It 'is shown with what to do' {
        (Invoke-Shell 'Get-IaaSVm nobody') -join ' ' | Should -Match 'no machine ''nobody''.*Get-IaaSVm shows'
    }
}
