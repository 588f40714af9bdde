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
        $table[0] -split '\s+' | Should -Be 'Name', 'State', 'Cpu', 'Memory', 'Firmware', 'Disk', 'Started', 'Note'
        $table[2] | Should -Match '^web01 +Deallocated +2 +1\.5 GB +Bios +1 MB'
        $table[3] | Should -BeNullOrEmpty
    }

    It 'machines that run, with the time in this place''s own and the sign of life' {
        $started = (Start-IaaSVm web01 -Wait).Started
        $table = Get-IaaSVm | Get-Table
        $table[2] | Should -Match ('^web01 +Running .* ' + $started.LocalDateTime.ToString('yyyy-MM-dd HH:mm:ss'))
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
        (Import-Clixml $xml | Get-Table)[2] | Should -Match '^web01 +Deallocated +2 +1\.5 GB +Bios +1 MB'
        Get-IaaSVm | Export-Clixml $xml -Depth 1
        (Import-Clixml $xml | Get-Table)[2] | Should -Match '^web01 +Deallocated +2 +1\.5 GB +Bios'
    }

    It 'images' {
        $table = Get-IaaSImage (Join-Path $TestHome web01.raw) | Get-Table
        $table[0] -split '\s+' | Should -Be 'Name', 'Format', 'Variant', 'Size', 'Data', 'Partitions', 'Firmware', 'Warnings'
        $table[2] | Should -Match '^web01.raw raw .* 1 MB .* 1 \(Mbr\) +Bios'
    }

    It 'contexts' {
        $table = Get-IaaSContext test | Get-Table
        $table[0] -split '\s+' | Should -Be 'Name', 'IsCurrent', 'Provider', 'Hypervisor', 'Path'
        $table[2] | Should -Match "^test +True +Local +Simulated +$TestHome"
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
